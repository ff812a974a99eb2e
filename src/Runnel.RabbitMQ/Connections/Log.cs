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

    [LoggerMessage(4230, LogLevel.Warning, "Channels of this process have no room ({Capacity} messages each: LocalCapacity): {Count} messages were dropped. The fullest are {Channels}. Whoever has made them must receive from them.")]
    public static partial void ChannelsFull(ILogger logger, long count, int capacity, string channels);

    [LoggerMessage(4231, LogLevel.Warning, "{Count} messages for channels of this process were not received within {Seconds:0.###} s (LocalExpiry), and were dropped. The last ones were for {Channels}.")]
    public static partial void ChannelsUnread(ILogger logger, long count, double seconds, string channels);

    [LoggerMessage(4211, LogLevel.Warning, "The queue of a node is full ({Capacity} messages: RemoteCapacity): it missed {Count} messages, the last to '{Topic}'. The other nodes have them. The node that is full is slow, or stands still.")]
    public static partial void NodeFull(ILogger logger, long count, string topic, int capacity);

    [LoggerMessage(4220, LogLevel.Warning, "Queue '{Queue}' was made with other arguments than it would be now, and is used as it is ({Reason}). To change it, empty it and delete it.")]
    public static partial void QueueDiffers(ILogger logger, string queue, string reason);

    [LoggerMessage(4221, LogLevel.Warning, "A message could not be brought from the relay to queue '{Queue}'; it is tried again.")]
    public static partial void RelayFailed(ILogger logger, Exception exception, string queue);

    [LoggerMessage(4222, LogLevel.Warning, "Queue '{Queue}' was deleted while a message for it was delayed; it is declared again.")]
    public static partial void RelayedToNowhere(ILogger logger, string queue);

    [LoggerMessage(4223, LogLevel.Error, "A message of queue '{Queue}' cannot be read; it is put to the dead letters of its channel as it is.")]
    public static partial void UnreadableMessage(ILogger logger, Exception exception, string queue);

    [LoggerMessage(4224, LogLevel.Warning, "Worker {Worker} lost its lease: {Reason}. What it held is handed out again.")]
    public static partial void LeaseLost(ILogger logger, string worker, string reason);

    [LoggerMessage(4225, LogLevel.Warning, "Worker {Worker} could not hand back what it held; the broker does, and counts that as if the worker had died.")]
    public static partial void LeaveFailed(ILogger logger, Exception exception, string worker);

    [LoggerMessage(4226, LogLevel.Warning, "Worker {Worker} cannot receive from channel '{Channel}'; it is tried again.")]
    public static partial void ReceiveFailed(ILogger logger, Exception exception, string worker, string channel);

    [LoggerMessage(4228, LogLevel.Warning, "Message {Message} is too large to be noted as its worker leaves it. The next worker gets it at once, with the body that it was sent with.")]
    public static partial void TooLargeToBeLeft(ILogger logger, string message);

    [LoggerMessage(4227, LogLevel.Warning, "A dead letter of channel '{Channel}' cannot be read. It stays; purging all of the channel's dead letters deletes it.")]
    public static partial void UnreadableLetter(ILogger logger, Exception exception, string channel);
}
