using Microsoft.Extensions.Logging;

namespace Runnel.RabbitMQ.Connections;

/// <summary>What the layer logs; its event ids are 4200 to 4299.</summary>
internal static partial class Log
{
    [LoggerMessage(4200, LogLevel.Warning, "RabbitMQ at {Address} is away ({Reason}); it is connected to anew until it is back.")]
    public static partial void Lost(ILogger logger, string address, string reason);

    [LoggerMessage(4201, LogLevel.Warning, "RabbitMQ at {Address} has been away for {Seconds:0.0} s ({Reason}); it is connected to anew until it is back.")]
    public static partial void StillAway(ILogger logger, string address, double seconds, string reason);

    [LoggerMessage(4202, LogLevel.Information, "RabbitMQ at {Address} is back; it was away for {Seconds:0.0} s.")]
    public static partial void Back(ILogger logger, string address, double seconds);

    [LoggerMessage(4203, LogLevel.Warning, "RabbitMQ at {Address} takes no messages for the time being ({Reason}). What is published waits.")]
    public static partial void Blocked(ILogger logger, string address, string reason);

    [LoggerMessage(4204, LogLevel.Information, "RabbitMQ at {Address} takes messages again.")]
    public static partial void Unblocked(ILogger logger, string address);

    [LoggerMessage(4205, LogLevel.Error, "Somebody who waited for the connection to RabbitMQ failed when it was there, or lost.")]
    public static partial void WatcherFailed(ILogger logger, Exception exception);

    [LoggerMessage(4206, LogLevel.Warning, "RabbitMQ at {Address} closed a channel on which messages are published ({Reason}); another one is opened.")]
    public static partial void PublishingClosed(ILogger logger, string address, string reason);

    [LoggerMessage(4210, LogLevel.Error, "{Count} messages cannot be read, and were dropped; the last came by the exchange '{Exchange}' under '{RoutingKey}'.")]
    public static partial void Unreadable(ILogger logger, Exception exception, long count, string exchange, string routingKey);

    [LoggerMessage(4220, LogLevel.Warning, "Channels of this process have no room ({Capacity} messages each: LocalCapacity): {Count} messages were dropped. The fullest are {Channels}. Whoever has made them must receive from them.")]
    public static partial void ChannelsFull(ILogger logger, long count, int capacity, string channels);

    [LoggerMessage(4221, LogLevel.Warning, "{Count} messages for channels of this process were not received within {Seconds:0.###} s (LocalExpiry), and were dropped. The last ones were for {Channels}.")]
    public static partial void ChannelsUnread(ILogger logger, long count, double seconds, string channels);

    [LoggerMessage(4211, LogLevel.Warning, "The queue of a node is full ({Capacity} messages: RemoteCapacity): it missed {Count} messages, the last to '{Topic}'. The other nodes have them. The node that is full is slow, or stands still.")]
    public static partial void NodeFull(ILogger logger, long count, string topic, int capacity);
}
