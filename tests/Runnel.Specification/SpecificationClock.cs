namespace Runnel.Specification;

/// <summary>The time of a suite: moved by the test where the layer keeps time by a <see cref="TimeProvider"/>, waited for where a broker keeps it.</summary>
/// <remarks>
/// A suite never names a number of seconds. It counts in <see cref="Unit"/>, so that a moved clock can take long ones and a real clock short
/// ones, and asks of a real clock only what holds on a loaded machine too: that something has not happened <em>before</em> its time is
/// checked by <see cref="AssertNotBeforeAsync"/>, which looks at the clock after it has looked at the event.
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

    /// <summary>Lets time pass until the task may complete, asserting that it does so then and not before.</summary>
    public async Task<T> AssertNotBeforeAsync<T>(DateTimeOffset due, Task<T> task, string what)
    {
        AssertNotYet(due, task, what);
        var half = (due - Now) / 2;
        if (half > TimeSpan.Zero)
            await AdvanceAsync(half);
        AssertNotYet(due, task, what);
        // To within a hair of it: a clock that is moved stops at every instant, and one tick early is early.
        var rest = due - Now - TimeSpan.FromTicks(1);
        if (rest > TimeSpan.Zero)
            await AdvanceAsync(rest);
        AssertNotYet(due, task, what);
        // And a millisecond more: timers count in those.
        if (Now < due)
            await AdvanceAsync(due - Now + TimeSpan.FromMilliseconds(1));
        return await Wait.For(task, what);
    }

    private void AssertNotYet(DateTimeOffset due, Task task, string what)
    {
        var isDone = task.IsCompleted;
        if (isDone && Now < due)
            throw new Xunit.Sdk.XunitException($"Too early: {what} was due at {due:O}, and was there before {Now:O}.");
    }
}
