using RabbitMQ.Client;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>What the broker hands a queue's messages to: so many that are not settled, and no more.</summary>
internal sealed class QueueConsumer(IConsumerOwner owner, Acknowledgements acknowledgements, BrokerQueue queue, int window, bool isShard) : AsyncDefaultBasicConsumer(acknowledgements.Channel)
{
    public BrokerQueue Queue => queue;

    /// <summary>Where what it hands out is acknowledged.</summary>
    public Acknowledgements Acknowledgements => acknowledgements;

    /// <summary>How many messages it holds at most.</summary>
    public int Window => window;

    /// <summary>Whether its messages have keys.</summary>
    public bool IsShard => isShard;

    /// <summary>How many it was handed that are not settled; changed under the owner's lock.</summary>
    public int Held { get; set; }

    /// <summary>When it was last handed a message, as a timestamp; 0 when it never was. Changed under the owner's lock.</summary>
    public long LastAt { get; set; }

    /// <summary>Whether its shard is to go to another worker: nothing more of it is handed out. Changed under the owner's lock.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Whether its queue is deleted, and with it whatever was handed out.</summary>
    public bool IsQueueGone { get; private set; }

    /// <summary>Whether what it handed out can be settled.</summary>
    public bool IsOpen => Channel.IsOpen && !IsQueueGone;

    public string Tag { get; private set; } = "";

    /// <summary>Begins to consume.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken) => Tag = await Channel.BasicConsumeAsync(queue.Name, autoAck: false, this, cancellationToken).ConfigureAwait(false);

    /// <summary>Forgets what was handed out: its queue is deleted.</summary>
    public void QueueIsGone() => IsQueueGone = true;

    public override Task HandleBasicDeliverAsync(
        string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        acknowledgements.Open(deliveryTag);
        owner.Delivered(this, deliveryTag, properties, body);
        return Task.CompletedTask;
    }

    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        owner.QueueIsGone(this);
        return base.HandleBasicCancelAsync(consumerTag, cancellationToken);
    }
}
