using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Topics;

/// <summary>The form in which messages to topics travel, and the names of what carries them.</summary>
internal interface ITopicWire
{
    /// <summary>The direct exchange, to which the queues of the nodes are bound.</summary>
    string Exchange { get; }

    /// <summary>A name for the queue of a node that no other node has.</summary>
    string NewQueueName();

    /// <summary>What a topic is bound under.</summary>
    string RoutingKeyOf(Topic topic);

    /// <summary>A message as it goes out. Messages go out in the order in which they were written.</summary>
    Publication Write(Topic topic, ReadOnlyMemory<byte> payload);

    /// <summary>A message as it came in.</summary>
    /// <param name="body">Its content, valid only during the call.</param>
    /// <exception cref="FormatException">It is not a message of this wire.</exception>
    HeardMessage Read(ReadOnlyMemory<byte> body);

    /// <summary>What tells the hearers of a topic how many messages there have been, if they can be told; a message may have been lost.</summary>
    Publication? WriteCount(Topic topic);
}
