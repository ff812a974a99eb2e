using Runnel.InMemory.Stored;

namespace Runnel.InMemory.Channels;

/// <summary>Wakes the channels of one in-memory queue when something of theirs falls due: one timer for all of them, asleep until the next.</summary>
internal sealed class ChannelClock
{
    // Timers take no more than 49 days; one that wakes in vain once a day costs nothing.
    private static readonly long LongestSleep = TimeSpan.FromDays(1).Ticks;

    private readonly Lock _lock = new();
    private readonly TimeHeap<InMemoryChannel> _wakes = new();
    private readonly TimeProvider _timeProvider;
    private readonly ITimer _timer;
    private readonly long _origin;
    private long _armedFor = Ticks.Never;

    public ChannelClock(TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _origin = timeProvider.GetTimestamp();
        _timer = timeProvider.CreateTimer(static clock => ((ChannelClock)clock!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How much time has passed. Nobody can set it, so what is to happen after some time happens after that time.</summary>
    public long Now => _timeProvider.GetElapsedTime(_origin).Ticks;

    /// <summary>The time of day, in ticks.</summary>
    public long TimeOfDay => _timeProvider.GetUtcNow().UtcTicks;

    public bool IsDue(Moment moment, long now) => moment.Ticks <= (moment.IsOfDay ? TimeOfDay : now);

    /// <summary>Has the channel woken at the time, and forgets the time that it was to be woken at before.</summary>
    public TimeHeap<InMemoryChannel>.Node? Wake(InMemoryChannel channel, long time, TimeHeap<InMemoryChannel>.Node? before)
    {
        lock (_lock)
        {
            before?.Remove();
            var node = time == Ticks.Never ? null : _wakes.Add(time, channel);
            if (_wakes.NextTime < _armedFor)
                Arm();
            return node;
        }
    }

    private void Fire()
    {
        lock (_lock)
            _armedFor = Ticks.Never;
        while (TakeDue() is { } channel)
            channel.Wake();
    }

    private InMemoryChannel? TakeDue()
    {
        lock (_lock)
        {
            if (_wakes.NextTime > Now)
            {
                Arm();
                return null;
            }
            return _wakes.TakeFirst();
        }
    }

    private void Arm()
    {
        _armedFor = _wakes.NextTime;
        if (_armedFor == Ticks.Never)
            return;
        // Rounded up to the timers' millisecond: waking early would mean to spin until it is time.
        var sleep = Math.Clamp(_armedFor - Now, 0, LongestSleep);
        var milliseconds = (sleep + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        _timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
    }
}
