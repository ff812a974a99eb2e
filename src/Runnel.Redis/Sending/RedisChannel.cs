using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Sending;

/// <summary>One channel as this process knows it: its keys, who sends to it here, and who receives from it here.</summary>
internal sealed class RedisChannel
{
    private const int Retired = int.MinValue / 2; // far below anything that is counted
    private static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(1);

    private readonly RedisStore _store;
    private readonly Lock _lock = new();
    private readonly ITimer _due;
    private IChannelListener[] _listeners = [];
    private long? _dueAt;
    private int _uses;
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
        _due = store.TimeProvider.CreateTimer(static state => ((RedisChannel)state!).LookWhenDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ChannelName Name { get; }

    public ChannelKeys Keys { get; }

    public EnqueueLine Sender { get; }

    /// <summary>Whether anybody here waits for messages, or is just asking for some.</summary>
    public bool IsWanted => Volatile.Read(ref _listeners).Any(static listener => listener.IsWaiting);

    /// <summary>Whether nobody here has to do with it.</summary>
    public bool IsIdle => Volatile.Read(ref _listeners).Length == 0 && Sender.IsIdle && TimeProvider.System.GetElapsedTime(_touched) > 2 * TouchEvery;

    /// <summary>Begins to use it, until <see cref="Exit"/>: it is not forgotten meanwhile.</summary>
    /// <returns>Whether it can be used; otherwise it is being forgotten, and another one takes its place.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _uses) > 0)
            return true;
        Interlocked.Decrement(ref _uses);
        return false;
    }

    /// <summary>Ends what <see cref="TryEnter"/> began.</summary>
    public void Exit() => Interlocked.Decrement(ref _uses);

    /// <summary>Retires it for good, unless somebody uses it: there must never be two that send to one channel.</summary>
    public bool TryRetire()
    {
        if (!IsIdle || Interlocked.CompareExchange(ref _uses, Retired, 0) != 0)
            return false;
        if (IsIdle)
            return true;
        Interlocked.Add(ref _uses, -Retired); // who came just before that has begun something
        return false;
    }

    public void Add(IChannelListener listener)
    {
        lock (_lock)
            _listeners = [.. _listeners, listener];
    }

    public void Remove(IChannelListener listener)
    {
        lock (_lock)
            _listeners = [.. _listeners.Where(other => other != listener)];
    }

    /// <summary>There may be messages: lets those who wait ask.</summary>
    public void Look()
    {
        foreach (var listener in Volatile.Read(ref _listeners))
            listener.Look();
    }

    /// <summary>Looks again when the next message is due, if that is known.</summary>
    /// <param name="microseconds">How long until then, as Redis said; negative: none is.</param>
    /// <param name="asked">When it was asked: the timestamp of the clock.</param>
    public void LookIn(long microseconds, long asked)
    {
        if (microseconds < 0)
            return;
        lock (_lock)
        {
            var dueAt = asked + (long)(microseconds * (_store.TimeProvider.TimestampFrequency / 1e6));
            if (dueAt >= _dueAt)
                return; // it looks before that anyway, and hears when to look again
            _dueAt = dueAt;
            if (WaitUntilDue())
                return;
        }
        Look();
    }

    private void LookWhenDue()
    {
        lock (_lock)
        {
            if (_dueAt is null || WaitUntilDue())
                return; // somebody has looked, or it has been set anew
        }
        Look();
    }

    // Whether it is not due yet.
    private bool WaitUntilDue()
    {
        var time = _store.TimeProvider;
        var left = time.GetElapsedTime(time.GetTimestamp(), _dueAt!.Value);
        if (left > TimeSpan.Zero)
        {
            _due.Change(TimeSpan.FromMilliseconds(Math.Min(Math.Floor(left.TotalMilliseconds) + 1, int.MaxValue)), Timeout.InfiniteTimeSpan);
            return true;
        }
        _dueAt = null;
        return false;
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
        LayerTelemetry.MessagesExpired(count);
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
        var writer = RedisScript.Touch.Run(keys: 2, arguments: 3);
        writer.Add(_store.Keys.Channels);
        writer.Add(_store.Keys.Format);
        writer.Add(_store.ScriptTime);
        writer.Add(Name.Value);
        writer.Add(RedisStore.Format);
        _ = TouchAsync(new RedisCommand(writer.Written, repeatMark: -1) { IsPatient = true }, now, before);
    }

    private async Task TouchAsync(RedisCommand command, long now, long before)
    {
        try
        {
            await _store.Commands.ExecuteAsync(command).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            Interlocked.CompareExchange(ref _touched, before, now); // the next script tries again
        }
    }
}
