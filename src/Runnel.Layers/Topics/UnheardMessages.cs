using Microsoft.Extensions.Logging;
using Runnel.Layers.Topics;

namespace Runnel.Layers;

/// <summary>Tells of messages that no process heard. For authors of layers.</summary>
public static class UnheardMessages
{
    // Sent again until the other node has it, or is gone: the link counts what is lost with it, once.
    private static readonly byte[] PacketOfLink = EnvelopeFormat.Encode(new Envelope(new Message("runnel:link", ReadOnlyMemory<byte>.Empty)));

    /// <summary>
    /// Call it when no process subscribes to the topic of a message. If the message was for the connections of one node, that node is gone, or cut off: the message is counted as dropped
    /// (<c>node-gone</c>). Of any other topic there is nothing to tell: a group may have no members.
    /// </summary>
    /// <param name="topic">The topic.</param>
    /// <param name="payload">The message.</param>
    /// <param name="logger">The log of the layer.</param>
    public static void Tell(Topic topic, ReadOnlyMemory<byte> payload, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        if (topic.Kind != TopicKind.Node || payload.Span.StartsWith(PacketOfLink))
            return;
        LayerTelemetry.MessagesDropped("node-gone");
        TopicLog.NodeGone(logger, topic);
    }
}
