using Microsoft.Extensions.Logging;

namespace Runnel.Redis.Connections;

/// <summary>What all connections of a process see of one outage, told once: when it begins, once a minute while it lasts, and when all of them are back.</summary>
/// <remarks>So is what a Redis refuses that is there: it is full, or cannot write to its disk.</remarks>
internal sealed class RedisOutage(string address, TimeProvider timeProvider, ILogger logger)
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly HashSet<object> _away = [];
    private readonly HashSet<object> _refused = [];
    private long _began;
    private long _told;
    private long? _lastMade;
    private long? _ended;
    private bool _isRefusing;
    private long _refusing;
    private long _refusalTold;
    private long? _refusalEnded;

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
            _lastMade = Math.Max(_lastMade ?? _began, made);
            EndIfAllAreBack();
        }
    }

    /// <summary>Nobody waits for a connection any more.</summary>
    public void Forget(object connection)
    {
        lock (_lock)
        {
            if (_away.Remove(connection))
                EndIfAllAreBack();
        }
    }

    /// <summary>Something was refused, and is tried again.</summary>
    /// <param name="asker">Who asked.</param>
    /// <param name="asked">When, as a timestamp of the clock: what was asked before the last refusal was over belongs to that one.</param>
    /// <param name="reason">What Redis said.</param>
    public void Refused(object asker, long asked, Exception reason)
    {
        lock (_lock)
        {
            if (!_isRefusing && asked < _refusalEnded)
                return;
            _refused.Add(asker);
            if (!_isRefusing)
            {
                _isRefusing = true;
                _refusing = _refusalTold = timeProvider.GetTimestamp();
                Log.Refused(logger, address, reason);
            }
            else if (timeProvider.GetElapsedTime(_refusalTold) >= TellEvery)
            {
                _refusalTold = timeProvider.GetTimestamp();
                Log.StillRefused(logger, address, timeProvider.GetElapsedTime(_refusing).TotalSeconds, reason);
            }
        }
    }

    /// <summary>What was asked was done, or is not asked any more. The refusal is over when that holds for all who were refused.</summary>
    public void NotRefused(object asker)
    {
        if (!Volatile.Read(ref _isRefusing))
            return; // mostly: not worth the lock
        lock (_lock)
        {
            if (!_refused.Remove(asker) || _refused.Count > 0)
                return;
            _isRefusing = false;
            _refusalEnded = timeProvider.GetTimestamp();
            Log.NotRefused(logger, address, timeProvider.GetElapsedTime(_refusing).TotalSeconds);
        }
    }

    // If none is, and nobody waits, nobody knows whether Redis is back.
    private void EndIfAllAreBack()
    {
        if (_away.Count > 0 || _lastMade is not { } made)
            return;
        _ended = timeProvider.GetTimestamp();
        Log.Back(logger, address, timeProvider.GetElapsedTime(_began, made).TotalSeconds);
    }

    private void Begin(object connection, long made, string reason)
    {
        if (made < _ended)
            return;
        _away.Add(connection);
        _began = _told = timeProvider.GetTimestamp();
        _lastMade = null;
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
