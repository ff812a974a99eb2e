using Microsoft.Extensions.Logging;

namespace Runnel.RabbitMQ.Connections;

/// <summary>What the connections of a process see of one outage, told once: when it begins, once a minute while it lasts, and when all of them are back.</summary>
internal sealed class RabbitOutage(string address, TimeProvider timeProvider, ILogger logger)
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly HashSet<object> _away = [];
    private long _began;
    private long _told;

    /// <summary>A connection is lost, or cannot be made.</summary>
    public void Lost(object connection, string reason)
    {
        lock (_lock)
        {
            if (_away.Add(connection) && _away.Count == 1)
            {
                _began = _told = timeProvider.GetTimestamp();
                Log.Lost(logger, address, reason.TrimEnd('.'));
            }
            else if (timeProvider.GetElapsedTime(_told) >= TellEvery)
            {
                _told = timeProvider.GetTimestamp();
                Log.StillAway(logger, address, timeProvider.GetElapsedTime(_began).TotalSeconds, reason.TrimEnd('.'));
            }
        }
    }

    /// <summary>A connection is there again, or nobody waits for it any more.</summary>
    public void Over(object connection)
    {
        lock (_lock)
        {
            if (_away.Remove(connection) && _away.Count == 0)
                Log.Back(logger, address, timeProvider.GetElapsedTime(_began).TotalSeconds);
        }
    }
}
