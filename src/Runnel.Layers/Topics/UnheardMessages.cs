using Microsoft.Extensions.Logging;
using Runnel.Layers.Topics;

namespace Runnel.Layers;

/// <summary>Tells of messages that no process heard. For authors of layers.</summary>
public static class UnheardMessages
{
    /// <summary>
    /// Call it when no process subscribes to the topic of a message. If the message was for the connections of one node, that node is gone, or cut off: the message is counted as dropped
    /// (<c>node-gone</c>). Of any other topic there is nothing to tell: a group may have no members.
    /// </summary>
    public static void Tell(Topic topic, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        if (topic.Kind != TopicKind.Node)
            return;
        LayerTelemetry.MessagesDropped("node-gone");
        TopicLog.NodeGone(logger, topic);
    }
}
