using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Nodes;

/// <summary>Everything this floor says. Event ids 1000–1999.</summary>
internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Error, "{Consumer} failed on connection {Connection:x}, which is closed with code 1011.")]
    public static partial void ConsumerFailed(ILogger logger, Exception exception, string consumer, long connection);

    [LoggerMessage(1002, LogLevel.Error, "{Consumer}.OnDisconnectAsync failed on connection {Connection:x}.")]
    public static partial void DisconnectFailed(ILogger logger, Exception exception, string consumer, long connection);

    [LoggerMessage(1003, LogLevel.Debug, "{Consumer} handles no events of type '{Type}'; the event was left.")]
    public static partial void EventNotHandled(ILogger logger, string consumer, string type);

    [LoggerMessage(1004, LogLevel.Error, "{Consumer} got an event of type '{Type}' whose body cannot be read as what its handler takes; the event was left.")]
    public static partial void EventUnreadable(ILogger logger, Exception exception, string consumer, string type);

    [LoggerMessage(1005, LogLevel.Warning, "{Consumer} on connection {Connection:x} is too busy: {Waiting} events wait for it. The connection is closed with code 1013.")]
    public static partial void ConsumerTooBusy(ILogger logger, string consumer, long connection, int waiting);

    [LoggerMessage(1006, LogLevel.Error, "A message to group '{Group}' is no envelope of a known version; it was left.")]
    public static partial void MessageUnreadable(ILogger logger, Exception exception, GroupName group);

    [LoggerMessage(1007, LogLevel.Warning, "Ending the subscription to group '{Group}' failed.")]
    public static partial void UnsubscribeFailed(ILogger logger, Exception exception, GroupName group);

    [LoggerMessage(1008, LogLevel.Warning, "{Count} connections had not closed within {Limit}; they are cut.")]
    public static partial void ClosingTookTooLong(ILogger logger, Exception exception, int count, TimeSpan limit);

    [LoggerMessage(1009, LogLevel.Error, "A message in this node's inbox cannot be read; it was left.")]
    public static partial void InboxMessageUnreadable(ILogger logger, Exception exception);

    [LoggerMessage(1010, LogLevel.Error, "A connection could not be added to group '{Group}' as another node asked.")]
    public static partial void RemoteJoinFailed(ILogger logger, Exception exception, GroupName group);

    [LoggerMessage(1011, LogLevel.Error, "A message to group '{Group}' could not be put into the form that some of its members take; they went without it.")]
    public static partial void MessageUndeliverable(ILogger logger, Exception exception, GroupName group);
}
