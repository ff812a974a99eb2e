namespace Runnel.Specification;

/// <summary>The time of a suite: moved by the test where the layer keeps time by a <see cref="TimeProvider"/>, waited for where a broker keeps it.</summary>
/// <remarks>
/// A suite never names a number of seconds. It counts in <see cref="Unit"/>, so that a moved clock can take long ones and a real clock short
/// ones. That something does not happen <em>before</em> its time is checked by looking at the clock after looking for the event: this
/// holds on a loaded machine too, where a wait for a real clock ends late.
/// </remarks>
public abstract class SpecificationClock
{
    /// <summary>The clock that the layer is made with, and messages are stamped by.</summary>
    public abstract TimeProvider TimeProvider { get; }

    /// <summary>A while: long beside what a loaded machine needs for a step, short enough to wait for.</summary>
    public abstract TimeSpan Unit { get; }

    /// <summary>The present time.</summary>
    public DateTimeOffset Now => TimeProvider.GetUtcNow();

    /// <summary>Lets time pass.</summary>
    public abstract Task AdvanceAsync(TimeSpan by);

    /// <summary>So many units.</summary>
    public TimeSpan Units(double count) => Unit * count;

    /// <summary>Lets so many units pass.</summary>
    public Task AdvanceAsync(double units) => AdvanceAsync(Units(units));
}
