using Runnel.InMemory.Stored;

namespace Runnel.InMemory.Channels;

/// <summary>Wakes the channels of one in-memory queue when something of theirs falls due: one timer for all of them, asleep until the next.</summary>
internal sealed class ChannelClock
{
    // Timers do not notice when the clock is set: what is due by then is late by no more than this.
    private static readonly long LongestSleep = TimeSpan.FromSeconds(10).Ticks;

    private readonly Lock _lock = new();
    private readonly TimeHeap<InMemoryChannel> _wakes = new();
    private readonly TimeProvider _timeProvider;
    private readonly ITimer _timer;
    private long _armedFor = TimeHeap<InMemoryChannel>.Never;

    public ChannelClock(TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _timer = timeProvider.CreateTimer(static clock => ((ChannelClock)clock!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public long Now => _timeProvider.GetUtcNow().UtcTicks;

    /// <summary>A time so much later, or the end of time.</summary>
    public static long Later(long time, TimeSpan by) => by.Ticks >= TimeHeap<InMemoryChannel>.Never - time ? TimeHeap<InMemoryChannel>.Never : time + by.Ticks;

    /// <summary>Has the channel woken at the time, and forgets the time that it was to be woken at before.</summary>
    public TimeHeap<InMemoryChannel>.Node? Wake(InMemoryChannel channel, long time, TimeHeap<InMemoryChannel>.Node? before)
    {
        lock (_lock)
        {
            if (before is { Index: >= 0 })
                _wakes.Remove(before);
            var node = time == TimeHeap<InMemoryChannel>.Never ? null : _wakes.Add(time, channel);
            if (_wakes.NextTime < _armedFor)
                Arm();
            return node;
        }
    }

    private void Fire()
    {
        lock (_lock)
            _armedFor = TimeHeap<InMemoryChannel>.Never;
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
        if (_armedFor == TimeHeap<InMemoryChannel>.Never)
            return;
        // Rounded up to the timers' millisecond: waking early would mean to spin until it is time.
        var sleep = Math.Clamp(_armedFor - Now, 0, LongestSleep);
        var milliseconds = (sleep + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        _timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
    }
}
