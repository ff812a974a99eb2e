using Runnel.Layers;

namespace Runnel.RabbitMQ.Topics;

/// <summary>A topic that this node hears.</summary>
internal sealed class HeardTopic(TopicFlow flow, string routingKey)
{
    private readonly TaskCompletionSource _bound = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HeardNumbers _numbers = new();

    public TopicFlow Flow => flow;

    public string RoutingKey => routingKey;

    /// <summary>Ends when the topic is bound for the first time.</summary>
    public Task Bound => _bound.Task;

    /// <summary>It is bound.</summary>
    public void Begin()
    {
        flow.Begin(Position.None);
        _bound.TrySetResult();
    }

    /// <summary>The node's queue is there again, or gone.</summary>
    public void Change(bool isThere)
    {
        if (isThere)
        {
            flow.Restore();
            return;
        }
        flow.Interrupt();
        lock (_numbers)
            _numbers.Forget();
    }

    /// <summary>Takes a message, one at a time.</summary>
    public void Take(in HeardMessage message)
    {
        bool isGap;
        lock (_numbers)
            isGap = _numbers.IsGapBefore(message);
        if (isGap)
            flow.Doubt();
        if (message.Payload is { } payload)
            flow.Take(new BackplaneMessage(Position.None, payload));
    }
}
