using Microsoft.Extensions.Logging;

namespace Runnel.Layers.Topics;

/// <summary>One listener of a topic, guarded: it is not called after its end, and what it throws costs nobody else a message.</summary>
internal sealed class TopicSubscription(Topic topic, ITopicListener listener, ILogger logger, Func<TopicSubscription, ValueTask> onEnd) : ITopicSubscription
{
    // Held while the listener is called: that is what makes "not called after the end" true. Re-entrant, so a listener may end its own subscription.
    private readonly Lock _lock = new();
    private bool _hasEnded;

    public Position Begins { get; set; }

    public void OnMessage(BackplaneMessage message)
    {
        lock (_lock)
        {
            if (_hasEnded)
                return;
            try
            {
                listener.OnMessage(message);
            }
            catch (Exception exception)
            {
                TopicLog.ListenerFailed(logger, exception, topic);
            }
        }
    }

    public void OnGap(TopicGap gap)
    {
        lock (_lock)
        {
            if (_hasEnded)
                return;
            try
            {
                listener.OnGap(gap);
            }
            catch (Exception exception)
            {
                TopicLog.ListenerFailed(logger, exception, topic);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_hasEnded)
                return ValueTask.CompletedTask;
            _hasEnded = true;
        }
        return onEnd(this);
    }
}
