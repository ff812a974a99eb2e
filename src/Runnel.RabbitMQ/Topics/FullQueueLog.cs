using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Topics;

/// <summary>Says that queues of nodes are full, at most every 5 seconds.</summary>
internal sealed class FullQueueLog(RabbitMQBroker broker)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private long? _said;
    private long _refused;

    /// <summary>A message to a topic was refused by the queue of some node.</summary>
    public void Refused(Topic topic)
    {
        LayerTelemetry.MessagesDropped("node-full");
        long count;
        lock (_lock)
        {
            _refused++;
            if (_said is { } said && TimeProvider.System.GetElapsedTime(said) < Every)
                return;
            (_said, count, _refused) = (TimeProvider.System.GetTimestamp(), _refused, 0);
        }
        Log.NodeFull(broker.Logger, count, topic.ToString(), broker.Options.MostRemote);
    }
}
