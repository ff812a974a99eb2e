namespace Runnel.Specification;

/// <summary>The time of a layer that keeps time by a <see cref="TimeProvider"/>: it stands still until the test moves it.</summary>
public sealed class ManualClock : SpecificationClock
{
    private readonly ManualTimeProvider _timeProvider = new();

    /// <inheritdoc/>
    public override TimeProvider TimeProvider => _timeProvider;

    /// <inheritdoc/>
    public override TimeSpan Unit => TimeSpan.FromSeconds(10);

    /// <summary>How many timers are armed.</summary>
    public int ArmedTimers => _timeProvider.ArmedTimers;

    /// <inheritdoc/>
    public override Task AdvanceAsync(TimeSpan by)
    {
        _timeProvider.Advance(by);
        return Task.CompletedTask;
    }
}
