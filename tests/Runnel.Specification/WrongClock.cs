namespace Runnel.Specification;

/// <summary>The clock of a machine that is set wrong: another time of day than the clock beside it, and the same timers.</summary>
public sealed class WrongClock(TimeProvider right, TimeSpan by) : TimeProvider
{
    /// <inheritdoc/>
    public override long TimestampFrequency => right.TimestampFrequency;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => right.GetUtcNow() + by;

    /// <inheritdoc/>
    public override long GetTimestamp() => right.GetTimestamp();

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        right.CreateTimer(callback, state, dueTime, period);
}
