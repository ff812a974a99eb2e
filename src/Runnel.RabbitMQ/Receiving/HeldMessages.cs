namespace Runnel.RabbitMQ.Receiving;

/// <summary>Messages that wait in memory for their time, and are let go when it has come, the first one first. Thread-safe.</summary>
/// <param name="most">How many there may be, and how many bytes they may have, before no more should come.</param>
/// <param name="release">Is given each message whose time has come; it must not block.</param>
internal sealed class HeldMessages((int Count, long Bytes) most, Action<RelayedMessage> release) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<RelayedMessage, long> _held = new();
    private ITimer? _timer;
    private long _bytes;
    private long _armedFor = long.MaxValue;

    /// <summary>Whether there is no room for more.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock)
                return _held.Count >= most.Count || _bytes >= most.Bytes;
        }
    }

    /// <summary>Holds a message until a time, which is a timestamp.</summary>
    public void Add(RelayedMessage message, long due)
    {
        lock (_lock)
        {
            _held.Enqueue(message, due);
            _bytes += message.Message.Bytes.Length;
            if (due < _armedFor)
                Arm();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _timer?.Dispose();
            _held.Clear();
        }
    }

    // Timers may be early by a hair, which a delay must never be: what is not due waits on.
    private void ReleaseDue()
    {
        List<RelayedMessage> due = [];
        lock (_lock)
        {
            var now = TimeProvider.System.GetTimestamp();
            while (_held.TryPeek(out _, out var at) && at <= now)
                due.Add(_held.Dequeue());
            _bytes -= due.Sum(static message => (long)message.Message.Bytes.Length);
            _armedFor = long.MaxValue;
            Arm();
        }
        due.ForEach(release);
    }

    // Under the lock.
    private void Arm()
    {
        if (!_held.TryPeek(out _, out _armedFor))
        {
            _armedFor = long.MaxValue;
            return;
        }
        _timer ??= TimeProvider.System.CreateTimer(static state => ((HeldMessages)state!).ReleaseDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var rest = TimeProvider.System.GetElapsedTime(TimeProvider.System.GetTimestamp(), _armedFor).TotalMilliseconds;
        _timer.Change(TimeSpan.FromMilliseconds(Math.Max(Math.Ceiling(rest), 0)), Timeout.InfiniteTimeSpan);
    }
}
