namespace Runnel.Specification;

/// <summary>The time of a layer whose broker keeps it: passing time is waited for.</summary>
public sealed class RealClock(TimeSpan unit) : SpecificationClock
{
    /// <inheritdoc/>
    public override TimeProvider TimeProvider => TimeProvider.System;

    /// <inheritdoc/>
    public override TimeSpan Unit => unit;

    /// <inheritdoc/>
    public override Task AdvanceAsync(TimeSpan by) => Task.Delay(by, TimeProvider.System, CancellationToken.None);
}
