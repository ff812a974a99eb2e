using Runnel.Layers;

namespace Runnel.Redis.Topics;

/// <summary>One subscriber of a topic.</summary>
internal sealed class RedisSubscription(Action<BackplaneMessage> onMessage, Action<RedisSubscription> end) : ITopicSubscription
{
    private bool _ended;

    public Position Begins { get; set; }

    /// <summary>Hands on a message, unless the subscription has ended.</summary>
    public void Deliver(BackplaneMessage message)
    {
        // The lock is what makes "no message after dispose" true; it is re-entrant, so a handler may end its own subscription.
        lock (this)
        {
            if (!_ended)
                onMessage(message);
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (this)
            _ended = true;
        end(this);
        return ValueTask.CompletedTask;
    }
}
