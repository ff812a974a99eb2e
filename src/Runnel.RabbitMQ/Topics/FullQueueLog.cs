using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Topics;

/// <summary>Says that queues of nodes are full, at most every 5 seconds.</summary>
internal sealed class FullQueueLog(RabbitMQBroker broker)
{
    private readonly RareWarning _warning = new(broker.TimeProvider);

    /// <summary>A message to a topic was refused by the queue of some node.</summary>
    public void Refused(Topic topic)
    {
        LayerTelemetry.MessagesDropped("node-full");
        if (_warning.IsDue(out var count))
            Log.NodeFull(broker.Logger, count, topic.ToString(), broker.Options.MostRemote);
    }
}
