using Runnel.Redis.Sending;

namespace Runnel.Redis.Receiving;

/// <summary>A worker's time: its name, the channels that know it, and until when its messages are its own.</summary>
internal sealed class LeaseTerm(string workerId, TimeSpan duration)
{
    private readonly Lock _lock = new();
    private RedisChannel[] _channels = [];
    private long _renewed;
    private int _state;

    private enum State
    {
        Held,
        Lost,
        Over,
    }

    /// <summary>Called once, when it is lost: another worker has been given what this one held on a channel.</summary>
    public event Action? Lost;

    /// <summary>The worker's name, in Redis, too.</summary>
    public string WorkerId => workerId;

    public TimeSpan Duration => duration;

    public RedisPulse Pulse { get; } = new(duration);

    /// <summary>The channels that know the worker.</summary>
    public IReadOnlyList<RedisChannel> Channels => Volatile.Read(ref _channels);

    /// <summary>Whether it has neither been lost nor ended.</summary>
    public bool IsOpen => Volatile.Read(ref _state) == (int)State.Held;

    /// <summary>Whether the worker has left.</summary>
    public bool IsOver => Volatile.Read(ref _state) == (int)State.Over;

    /// <remarks>What was not renewed for as long as it lasts may be another's by now; Redis does not hand on what was.</remarks>
    public bool IsHeld => IsOpen
        && Volatile.Read(ref _renewed) is var renewed && (renewed == 0 || TimeProvider.System.GetElapsedTime(renewed) < duration);

    /// <summary>A channel knows the worker, since this timestamp of the system's clock or later.</summary>
    public void Join(RedisChannel channel, long asked)
    {
        Interlocked.CompareExchange(ref _renewed, asked, 0);
        lock (_lock)
            _channels = [.. _channels, channel];
    }

    /// <summary>The worker was heard from on all its channels, at this timestamp of the system's clock or later.</summary>
    public void Renew(long asked) => Volatile.Write(ref _renewed, asked);

    /// <summary>Another worker has been given what this one held on a channel.</summary>
    public void Lose()
    {
        if (Interlocked.CompareExchange(ref _state, (int)State.Lost, (int)State.Held) == (int)State.Held)
            Lost?.Invoke();
    }

    /// <summary>The worker leaves.</summary>
    /// <returns>Whether it had not left before.</returns>
    public bool TryEnd() => Interlocked.Exchange(ref _state, (int)State.Over) != (int)State.Over;
}
