using Microsoft.Extensions.Logging;

namespace Runnel.Redis;

/// <summary>What all connections of a process see of one outage, told once: when it begins, once a minute while it lasts, and when all of them are back.</summary>
internal sealed class RedisOutage(string address, TimeProvider timeProvider, ILogger logger)
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly HashSet<object> _away = [];
    private long _began;
    private long _told;
    private long _lastMade;
    private long? _ended;

    /// <summary>A connection cannot be made.</summary>
    public void Failed(object connection, string reason) => Lost(connection, timeProvider.GetTimestamp(), reason);

    /// <summary>A connection is lost.</summary>
    /// <param name="connection">Whose it is.</param>
    /// <param name="made">When it was made, as a timestamp of the clock: one that is older than the last outage's end was lost in that one.</param>
    /// <param name="reason">Why.</param>
    public void Lost(object connection, long made, string reason)
    {
        lock (_lock)
        {
            if (_away.Count == 0)
                Begin(connection, made, reason);
            else
                GoOn(connection, reason);
        }
    }

    /// <summary>A connection is there again.</summary>
    /// <param name="connection">Whose it is.</param>
    /// <param name="made">Since when, as a timestamp of the clock.</param>
    public void Over(object connection, long made)
    {
        lock (_lock)
        {
            if (!_away.Remove(connection))
                return;
            _lastMade = Math.Max(_lastMade, made);
            if (_away.Count > 0)
                return;
            _ended = timeProvider.GetTimestamp();
            Log.Back(logger, address, timeProvider.GetElapsedTime(_began, _lastMade).TotalSeconds);
        }
    }

    /// <summary>Nobody waits for a connection any more.</summary>
    public void Forget(object connection)
    {
        lock (_lock)
            _away.Remove(connection);
    }

    private void Begin(object connection, long made, string reason)
    {
        if (made < _ended)
            return;
        _away.Add(connection);
        _began = _told = _lastMade = timeProvider.GetTimestamp();
        Log.Lost(logger, address, reason);
    }

    private void GoOn(object connection, string reason)
    {
        _away.Add(connection);
        if (timeProvider.GetElapsedTime(_told) < TellEvery)
            return;
        _told = timeProvider.GetTimestamp();
        Log.StillAway(logger, address, timeProvider.GetElapsedTime(_began).TotalSeconds, reason);
    }
}
