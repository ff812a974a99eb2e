using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Nodes;

/// <summary>All log messages of this package. Event ids 1000–1999.</summary>
internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Error, "{Consumer} failed on connection {Connection:x}. Runnel closes the connection with code 1011.")]
    public static partial void ConsumerFailed(ILogger logger, Exception exception, string consumer, long connection);

    [LoggerMessage(1002, LogLevel.Error, "{Consumer}.OnDisconnectAsync failed on connection {Connection:x}.")]
    public static partial void DisconnectFailed(ILogger logger, Exception exception, string consumer, long connection);

    [LoggerMessage(1015, LogLevel.Error, "{Consumer} has lost connection {Connection:x} to another worker, and its Dispose failed.")]
    public static partial void DisposeFailed(ILogger logger, Exception exception, string consumer, long connection);

    [LoggerMessage(1003, LogLevel.Debug, "{Consumer} has no method that handles events of type '{Type}', so the event was dropped.")]
    public static partial void EventNotHandled(ILogger logger, string consumer, string type);

    [LoggerMessage(1004, LogLevel.Error, "{Consumer} cannot read the body of an event of type '{Type}' as the type that its handler takes, so the event was dropped.")]
    public static partial void EventUnreadable(ILogger logger, Exception exception, string consumer, string type);

    [LoggerMessage(1005, LogLevel.Warning, "{Consumer} on connection {Connection:x} is too busy: {Waiting} messages wait for it, and no more fit into RunnelOptions.MaxWaitingEventBytes, which all streams of its socket share. Runnel closes the connection with code 1013.")]
    public static partial void ConsumerTooBusy(ILogger logger, string consumer, long connection, int waiting);

    [LoggerMessage(1006, LogLevel.Error, "A message to group '{Group}' cannot be read: it is not an envelope of a known version. It was dropped.")]
    public static partial void MessageUnreadable(ILogger logger, Exception exception, GroupName group);

    [LoggerMessage(1007, LogLevel.Warning, "The subscription to group '{Group}' could not be ended.")]
    public static partial void UnsubscribeFailed(ILogger logger, Exception exception, GroupName group);

    [LoggerMessage(1009, LogLevel.Error, "A message in this node's inbox cannot be read, so it was dropped.")]
    public static partial void InboxMessageUnreadable(ILogger logger, Exception exception);

    [LoggerMessage(1020, LogLevel.Warning, "Members of group '{Group}' on this node missed messages, which the group's history does not hold any more.")]
    public static partial void GroupMissedMessages(ILogger logger, GroupName group);

    [LoggerMessage(1053, LogLevel.Information, "A sender has said that messages of group '{Group}' are missing, and the members on this node are told so.")]
    public static partial void GroupGapReported(ILogger logger, GroupName group);

    [LoggerMessage(1021, LogLevel.Debug, "Members of group '{Group}' on this node may have missed messages: the node was cut off from the layer, and the group keeps no history.")]
    public static partial void GroupMayHaveMissedMessages(ILogger logger, GroupName group);

    [LoggerMessage(1022, LogLevel.Error, "A group's message that waited for connection {Connection:x} to connect could not be encoded for it, so the connection did not get it.")]
    public static partial void HeldMessageUndeliverable(ILogger logger, Exception exception, long connection);

    [LoggerMessage(1023, LogLevel.Warning, "A message to group '{Group}' has no place in the group's history: another node sends without it. A member that is cut off then misses the message. Give all nodes the same KeepHistory. (Said once for each time that the group is joined here.)")]
    public static partial void MessageWithoutPosition(ILogger logger, GroupName group);

    [LoggerMessage(1024, LogLevel.Warning, "The history of group '{Group}' could not be read for a client that comes back. It is read again in {Rest}.")]
    public static partial void CatchUpFailed(ILogger logger, Exception exception, GroupName group, TimeSpan rest);

    [LoggerMessage(1025, LogLevel.Information, "Connection {Connection:x} could not catch up with group '{Group}', because the group's history was trimmed or a sender has said that messages are missing. It misses messages.")]
    public static partial void MemberMissedMessages(ILogger logger, long connection, GroupName group);

    [LoggerMessage(1026, LogLevel.Warning, "The key of clients' positions was read, but its time in the state store could not be renewed.")]
    public static partial void PositionKeyNotKept(ILogger logger, Exception exception);

    [LoggerMessage(1027, LogLevel.Debug, "Messages to single connections of this node may be lost: the node was cut off from the layer, stood still, or was too slow.")]
    public static partial void InboxMayHaveMissedMessages(ILogger logger);

    [LoggerMessage(1010, LogLevel.Error, "Another node asked for a connection to join group '{Group}', and that failed.")]
    public static partial void RemoteJoinFailed(ILogger logger, Exception exception, GroupName group);

    [LoggerMessage(1011, LogLevel.Error, "A message to group '{Group}' could not be encoded for some of its members, so they did not get it.")]
    public static partial void MessageUndeliverable(ILogger logger, Exception exception, GroupName group);

    [LoggerMessage(1012, LogLevel.Critical, "{Sentence}")]
    public static partial void StatesElsewhere(ILogger logger, string sentence);

    [LoggerMessage(1013, LogLevel.Warning, "{Node} keeps its states elsewhere, and could not be told so.")]
    public static partial void AnswerFailed(ILogger logger, Exception exception, string node);

    [LoggerMessage(1014, LogLevel.Warning, "This node could not ask the others where they keep their states. It asks again when the layer is back.")]
    public static partial void GreetingFailed(ILogger logger, Exception exception);

    [LoggerMessage(1030, LogLevel.Warning, "Node {Node} ({Address}) is dead to this node: it was not heard for {Lease}. If it lives, it stands still or is cut off from the layer, and comes back by itself.")]
    public static partial void NodeSilent(ILogger logger, string node, string address, TimeSpan lease);

    [LoggerMessage(1031, LogLevel.Warning, "Node {Node} ({Address}) died: its process has ended without leaving.")]
    public static partial void NodeDied(ILogger logger, string node, string address);

    [LoggerMessage(1032, LogLevel.Warning, "Other nodes took this one for dead, because it stood still or was cut off for longer than its lease. It goes on as incarnation {Incarnation}.")]
    public static partial void NodeWasDead(ILogger logger, int incarnation);

    [LoggerMessage(1033, LogLevel.Debug, "This node could not tell the others that it lives. It tries again in a moment.")]
    public static partial void NodeNotTold(ILogger logger, Exception exception);

    [LoggerMessage(1034, LogLevel.Error, "What another node said of itself cannot be read, so it was dropped.")]
    public static partial void NodeUnreadable(ILogger logger, Exception exception);

    [LoggerMessage(1040, LogLevel.Information, "The link with {Node} has ended: {Why}. What was sent on it and has not arrived is dropped.")]
    public static partial void LinkEnded(ILogger logger, string node, string why);

    [LoggerMessage(1041, LogLevel.Warning, "What this node sends to {Node} could not be published, and is sent again in a moment. {Why}")]
    public static partial void LinkNotPublished(ILogger logger, string node, string why);

    [LoggerMessage(1052, LogLevel.Information, "{Node} could not be told that its link with this node has ended. It learns it when it sends the next time. {Why}")]
    public static partial void LinkEndUntold(ILogger logger, string node, string why);

    [LoggerMessage(1042, LogLevel.Error, "{Node} speaks version {Version} of the links between nodes, and this node knows version {Known}. They cannot work together: update the older one.")]
    public static partial void LinkVersionUnknown(ILogger logger, string node, byte version, byte known);

    [LoggerMessage(1043, LogLevel.Error, "What {Node} sent to this node could not be taken ({What}).")]
    public static partial void LinkReceiverFailed(ILogger logger, Exception exception, string what, string node);

    [LoggerMessage(1044, LogLevel.Error, "Something for {Node} could not be written, so the link with it ends.")]
    public static partial void LinkItemUnwritable(ILogger logger, Exception exception, string node);

    [LoggerMessage(1045, LogLevel.Information, "Worker {Node} takes {Channels} channels of connections and requests.")]
    public static partial void WorkerGreeted(ILogger logger, string node, int channels);

    [LoggerMessage(1051, LogLevel.Information, "Worker {Node} leaves, and takes no more connections and requests.")]
    public static partial void WorkerLeaves(ILogger logger, string node);

    [LoggerMessage(1047, LogLevel.Information, "This worker takes the connections and requests {Channels}.")]
    public static partial void WorkerTakes(ILogger logger, string channels);

    [LoggerMessage(1046, LogLevel.Information, "Worker {Node} is gone.")]
    public static partial void WorkerLeft(ILogger logger, string node);

    [LoggerMessage(1048, LogLevel.Error, "A request that a gateway has handed to this worker on '{Channel}' failed.")]
    public static partial void ExchangeFailed(ILogger logger, Exception exception, string channel);

    [LoggerMessage(1049, LogLevel.Warning, "This worker stops, and within {Limit} it could not answer {Count} requests that it had of gateways. It gives them up: RunnelOptions.ShutdownTimeout says how long it waits.")]
    public static partial void RequestsGivenUp(ILogger logger, int count, TimeSpan limit);

    [LoggerMessage(1050, LogLevel.Warning, "This worker stops, and not all gateways have confirmed within {Limit} what it answered last. Some clients may get 502, or an incomplete response.")]
    public static partial void AnswersUnconfirmed(ILogger logger, TimeSpan limit);

    [LoggerMessage(1051, LogLevel.Warning, "{Node} sent something of a kind ({Kind}) that this version does not know. It is left out and counted, and so is all of this kind: update this node.")]
    public static partial void LinkItemUnknown(ILogger logger, string node, byte kind);

    [LoggerMessage(1060, LogLevel.Warning, "Worker {Worker} is gone. {Count} connections of this node that it had go to other workers, or close if their consumers cannot be adopted.")]
    public static partial void WorkerLost(ILogger logger, string worker, int count);

    [LoggerMessage(1061, LogLevel.Warning, "No worker was there in time for {Consumer} on connection {Connection:x}. Start one that takes the channel 'websocket.connect.{Endpoint}'.")]
    public static partial void NoWorker(ILogger logger, string consumer, long connection, string endpoint);

    [LoggerMessage(1062, LogLevel.Error, "{Deaths} workers died while they handled the same event of connection {Connection:x} at endpoint '{Endpoint}'. Runnel closes the connection with code 1011 and hands it to nobody else.")]
    public static partial void KilledWorkers(ILogger logger, long connection, string endpoint, int deaths);

    [LoggerMessage(1063, LogLevel.Debug, "Node {Worker} does not have connection {Connection:x} any more, so what it sent to the connection was refused.")]
    public static partial void FormerOwnerRefused(ILogger logger, string worker, long connection);

    [LoggerMessage(1064, LogLevel.Error, "What {Consumer} asked of connection {Connection:x} failed. Runnel cuts the connection.")]
    public static partial void OrderFailed(ILogger logger, Exception exception, string consumer, long connection);

    [LoggerMessage(1065, LogLevel.Warning, "Node {Node} sent an item of an unknown kind ({Kind}) for connection {Connection:x}: it runs another version of the application. Runnel closes the connection with code 1012.")]
    public static partial void UnknownItem(ILogger logger, byte kind, string node, long connection);

    [LoggerMessage(1066, LogLevel.Warning, "Gateway {Gateway} handed out a connection of endpoint '{Endpoint}' (version {Version}), which this worker does not know. Deploy the same version of the application to both.")]
    public static partial void AssignmentUnknown(ILogger logger, string gateway, string endpoint, byte version);

    [LoggerMessage(1067, LogLevel.Error, "What the application registered for the end of connection {Connection:x} failed.")]
    public static partial void GoneCallbackFailed(ILogger logger, Exception exception, long connection);

    [LoggerMessage(1068, LogLevel.Warning, "This worker stops, and within {Limit} it could not give back or end all connections that it had of gateways; {Count} are left. The gateways give them to other workers, or close them.")]
    public static partial void LeavingTookTooLong(ILogger logger, int count, TimeSpan limit);

    [LoggerMessage(1074, LogLevel.Warning, "This worker stops, and not all gateways have confirmed within {Limit} what it said last of their connections. They give those that it still had to other workers, or close them.")]
    public static partial void LastWordsUnconfirmed(ILogger logger, TimeSpan limit);

    [LoggerMessage(1072, LogLevel.Error, "Connection {Connection:x} of gateway {Gateway} could not begin in this worker. The gateway closes it with code 1012.")]
    public static partial void AssignmentFailed(ILogger logger, Exception exception, string gateway, long connection);

    [LoggerMessage(1073, LogLevel.Error, "Connection {Connection:x} at endpoint '{Endpoint}' could not be given to a worker. Runnel closes the connection with code 1011.")]
    public static partial void HandOutFailed(ILogger logger, Exception exception, long connection, string endpoint);

    [LoggerMessage(1069, LogLevel.Error, "What is known about the client of connection {Connection:x} at endpoint '{Endpoint}' could not be written down for a worker. Runnel closes the connection with code 1011.")]
    public static partial void ScopeUnwritable(ILogger logger, Exception exception, long connection, string endpoint);
}
