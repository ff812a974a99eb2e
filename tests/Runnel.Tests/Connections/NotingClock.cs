using System.Collections.Concurrent;
using Runnel.Specification;

namespace Runnel.Tests.Connections;

/// <summary>A clock that a test moves, and that notes down for how long somebody asked it to wait: a wait that is too long looks like any other while the clock is moved until it ends.</summary>
internal sealed class NotingClock : TimeProvider
{
    private readonly ManualTimeProvider _clock = new();
    private readonly ConcurrentQueue<TimeSpan> _waits = new();

    /// <summary>The times asked for, until a timer is due or from one tick to the next.</summary>
    public IReadOnlyCollection<TimeSpan> Waits => _waits;

    public override long TimestampFrequency => _clock.TimestampFrequency;

    public void Advance(TimeSpan by) => _clock.Advance(by);

    public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

    public override long GetTimestamp() => _clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = _clock.CreateTimer(callback, state, dueTime, period);
        _waits.Enqueue(dueTime); // afterwards: whoever sees it moves the clock, and the timer has to be there by then
        return timer;
    }
}
