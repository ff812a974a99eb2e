using Microsoft.Extensions.Logging;

namespace Runnel.Redis.Connections;

/// <summary>What the layer logs; its event ids are 4000 to 4099.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Warning, "Redis at {Address} is away ({Reason}); it is connected to anew until it is back.")]
    public static partial void Lost(ILogger logger, string address, string reason);

    [LoggerMessage(4001, LogLevel.Warning, "Redis at {Address} has been away for {Seconds:0.0} s ({Reason}); it is connected to anew until it is back.")]
    public static partial void StillAway(ILogger logger, string address, double seconds, string reason);

    [LoggerMessage(4002, LogLevel.Warning, "Redis at {Address} keeps nothing when it is restarted: messages would be lost. Set 'appendonly yes' in redis.conf.")]
    public static partial void NotPersistent(ILogger logger, string address);

    [LoggerMessage(4003, LogLevel.Warning, "The clock of Redis at {Address} and this machine's differ by {Difference}. Delays and expiries go by the former: set both by NTP.")]
    public static partial void ClocksDiffer(ILogger logger, string address, TimeSpan difference);

    [LoggerMessage(4007, LogLevel.Error, "A message in Redis cannot be read.")]
    public static partial void Unreadable(ILogger logger, Exception exception);

    [LoggerMessage(4008, LogLevel.Debug, "{Count} messages of channel '{Channel}' were not handled before they expired, and were deleted.")]
    public static partial void Expired(ILogger logger, string channel, long count);

    [LoggerMessage(4009, LogLevel.Warning, "Worker {Worker} of channel '{Channel}' has died.")]
    public static partial void WorkerDied(ILogger logger, string channel, string worker);

    [LoggerMessage(4010, LogLevel.Warning, "Dead workers of channel '{Channel}' held {Held} messages, which go to other workers.")]
    public static partial void HandedOn(ILogger logger, string channel, long held);

    [LoggerMessage(4011, LogLevel.Warning, "{Count} dead letters of channel '{Channel}' were older than they are kept, and were deleted.")]
    public static partial void DeadLettersAged(ILogger logger, string channel, long count);

    [LoggerMessage(4017, LogLevel.Warning, "Redis came back, or a replica has taken its place, without what a worker settled last on channel '{Channel}': {Count} messages are handed out again.")]
    public static partial void Reclaimed(ILogger logger, string channel, long count);

    [LoggerMessage(4012, LogLevel.Error, "Worker {Worker} was taken for dead, since Redis had not heard of it for as long as its lease: what it held went to others.")]
    public static partial void LeaseLost(ILogger logger, string worker);

    [LoggerMessage(4013, LogLevel.Error, "Redis at {Address} refuses what it is asked for; it is asked again until it does it.")]
    public static partial void Refused(ILogger logger, string address, Exception exception);

    [LoggerMessage(4015, LogLevel.Warning, "Worker {Worker} could not hand back what it held: others get it when its lease of {Duration} ends.")]
    public static partial void LeaveFailed(ILogger logger, string worker, TimeSpan duration, Exception exception);

    [LoggerMessage(4016, LogLevel.Warning, "The leases of this process's workers could not be renewed; it is tried again.")]
    public static partial void BeatFailed(ILogger logger, Exception exception);

    [LoggerMessage(4020, LogLevel.Error, "A handler of the backplane's StateChanged threw.")]
    public static partial void StateHandlerFailed(ILogger logger, Exception exception);

    [LoggerMessage(4022, LogLevel.Information, "Redis at {Address} is back; it was away for {Seconds:0.0} s.")]
    public static partial void Back(ILogger logger, string address, double seconds);

    [LoggerMessage(4030, LogLevel.Error, "Redis at {Address} has refused what it is asked for over {Seconds:0.0} s; it is asked again until it does it.")]
    public static partial void StillRefused(ILogger logger, string address, double seconds, Exception exception);

    [LoggerMessage(4031, LogLevel.Information, "Redis at {Address} does again what it had refused for {Seconds:0.0} s.")]
    public static partial void NotRefused(ILogger logger, string address, double seconds);

    [LoggerMessage(4032, LogLevel.Error, "Channel '{Channel}' cannot be put in order: what its dead workers held stays with them. Has another program written to its keys? It is tried again in a minute.")]
    public static partial void SweepFailed(ILogger logger, string channel, Exception exception);
}
