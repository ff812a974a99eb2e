using RabbitMQ.Client;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>Whom a consumer tells what comes.</summary>
internal interface IConsumerOwner
{
    /// <summary>A message has come; the memory of its body is the client's.</summary>
    void Delivered(QueueConsumer consumer, ulong tag, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body);

    /// <summary>The consumer's queue was deleted: what it handed out is gone.</summary>
    void QueueIsGone(QueueConsumer consumer);
}
