using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Topics;

/// <summary>Takes what the broker hands to the node's queue, message by message, and acknowledges many at once.</summary>
internal sealed class NodeConsumer(IChannel channel, RabbitMQBroker broker, Action<string, ReadOnlyMemory<byte>> take, Action<string> onEnd) : AsyncDefaultBasicConsumer(channel)
{
    private readonly RareWarning _unreadable = new();
    private readonly int _most = Math.Max(1, broker.Options.MostLocal / 4);
    private int _taken;
    private ulong _last;

    public override async Task HandleBasicDeliverAsync(string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        try
        {
            take(routingKey, body);
        }
        catch (FormatException exception)
        {
            LayerTelemetry.MessagesDropped("unreadable");
            if (_unreadable.IsDue(out var count))
                Log.Unreadable(broker.Logger, exception, count, exchange, routingKey);
        }
        _last = deliveryTag;
        if (++_taken < _most)
            return;
        _taken = 0;
        if (Channel.IsOpen)
            await Channel.BasicAckAsync(_last, multiple: true, cancellationToken).ConfigureAwait(false);
    }

    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        onEnd("the queue of this node was deleted");
        return Task.CompletedTask;
    }
}
