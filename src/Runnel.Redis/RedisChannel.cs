using Runnel.Layers;

namespace Runnel.Redis;

/// <summary>One channel as this process knows it: its keys, who sends to it here, and who receives from it here.</summary>
internal sealed class RedisChannel
{
    private static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(1);

    private readonly RedisStore _store;
    private readonly Lock _lock = new();
    private readonly ITimer _due;
    private WorkerChannel[] _receivers = [];
    private long _touched;

    /// <param name="name">The channel's name.</param>
    /// <param name="store">The store.</param>
    /// <param name="isTouched">Whether it is only looked at, which does not keep it known.</param>
    public RedisChannel(ChannelName name, RedisStore store, bool isTouched = false)
    {
        _touched = isTouched ? TimeProvider.System.GetTimestamp() : 0;
        (Name, _store) = (name, store);
        Keys = store.Keys.Of(name);
        Sender = new EnqueueLine(this, store);
        _due = store.TimeProvider.CreateTimer(static state => ((RedisChannel)state!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ChannelName Name { get; }

    public ChannelKeys Keys { get; }

    public EnqueueLine Sender { get; }

    /// <summary>Whether anybody here waits for messages, or is just asking for some.</summary>
    public bool IsWanted => Volatile.Read(ref _receivers).Any(static receiver => receiver.IsWaiting);

    /// <summary>Whether nobody here has to do with it.</summary>
    public bool IsIdle => Volatile.Read(ref _receivers).Length == 0 && Sender.IsIdle && TimeProvider.System.GetElapsedTime(_touched) > 2 * TouchEvery;

    public void Add(WorkerChannel receiver)
    {
        lock (_lock)
            _receivers = [.. _receivers, receiver];
    }

    public void Remove(WorkerChannel receiver)
    {
        lock (_lock)
            _receivers = [.. _receivers.Where(other => other != receiver)];
    }

    /// <summary>There may be messages: lets those who wait ask.</summary>
    public void Look()
    {
        foreach (var receiver in Volatile.Read(ref _receivers))
            receiver.Look();
    }

    /// <summary>Looks again when the next message is due, if that is known.</summary>
    /// <param name="microseconds">How long until then, as Redis said; negative: none is.</param>
    /// <param name="asked">When it was asked: the timestamp of the clock.</param>
    public void LookIn(long microseconds, long asked)
    {
        if (microseconds < 0)
            return;
        var left = TimeSpan.FromMicroseconds(microseconds) - _store.TimeProvider.GetElapsedTime(asked);
        if (left > TimeSpan.Zero)
            _due.Change(TimeSpan.FromMilliseconds(Math.Min(Math.Floor(left.TotalMilliseconds) + 1, int.MaxValue)), Timeout.InfiniteTimeSpan);
        else
            Look();
    }

    /// <summary>Begins a script of the channel: with its keys, others of its own, and the time, whereupon the arguments are to be added.</summary>
    public RespWriter Begin(RedisScript script, int arguments, ReadOnlySpan<string> keys = default, int sizeHint = 1024)
    {
        Touch();
        var writer = script.Run(Keys.All.Count + keys.Length, 1 + arguments, sizeHint);
        foreach (var key in Keys.All)
            writer.Add(key);
        foreach (var key in keys)
            writer.Add(key);
        writer.Add(_store.ScriptTime);
        return writer;
    }

    /// <summary>Counts messages that expired unhandled.</summary>
    public void TellExpired(long count)
    {
        if (count == 0)
            return;
        RedisTelemetry.MessagesExpired(count);
        Log.Expired(_store.Logger, Name.Value, count);
        Sender.RoomMayBe();
    }

    // So that the operator finds the channel; once a minute is enough, since one that was touched lately is not forgotten.
    private void Touch()
    {
        var now = TimeProvider.System.GetTimestamp();
        var before = Volatile.Read(ref _touched);
        if ((before != 0 && TimeProvider.System.GetElapsedTime(before, now) < TouchEvery) || Interlocked.CompareExchange(ref _touched, now, before) != before)
            return;
        var writer = new RespWriter(4);
        writer.Add("ZADD"u8);
        writer.Add(_store.Keys.Channels);
        writer.Add(_store.Now / 1000);
        writer.Add(Name.Value);
        _store.Commands.ExecuteAsync(new RedisCommand(writer.Written, repeatMark: -1) { IsPatient = true })
            .ContinueWith(static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }
}
