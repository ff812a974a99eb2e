namespace Runnel.Layers;

/// <summary>Subscribes to a backplane with functions in place of an <see cref="ITopicListener"/>.</summary>
public static class BackplaneExtensions
{
    /// <summary>Subscribes with a function. Use this overload only where a missing message does no harm: nothing is told of gaps.</summary>
    /// <param name="backplane">The backplane.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="onMessage">Called for each message, one at a time, in order. It must not block and must not throw.</param>
    /// <param name="cancellationToken">Ends the wait for the subscription.</param>
    /// <returns>The subscription; dispose it to end it.</returns>
    /// <exception cref="BackplaneUnavailableException">The broker is away, and the wait for it was too long.</exception>
    public static ValueTask<ITopicSubscription> SubscribeAsync(
        this IBackplane backplane, Topic topic, Action<BackplaneMessage> onMessage, CancellationToken cancellationToken = default) =>
        SubscribeAsync(backplane, topic, onMessage, static _ => { }, cancellationToken);

    /// <summary>Subscribes with two functions.</summary>
    /// <param name="backplane">The backplane.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="onMessage">Called for each message, one at a time, in order. It must not block and must not throw.</param>
    /// <param name="onGap">Called where messages are missing, or may be missing. It must not block and must not throw.</param>
    /// <param name="cancellationToken">Ends the wait for the subscription.</param>
    /// <returns>The subscription; dispose it to end it.</returns>
    /// <exception cref="BackplaneUnavailableException">The broker is away, and the wait for it was too long.</exception>
    public static ValueTask<ITopicSubscription> SubscribeAsync(
        this IBackplane backplane, Topic topic, Action<BackplaneMessage> onMessage, Action<TopicGap> onGap, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backplane);
        ArgumentNullException.ThrowIfNull(onMessage);
        ArgumentNullException.ThrowIfNull(onGap);
        return backplane.SubscribeAsync(topic, new FunctionListener(onMessage, onGap), cancellationToken);
    }

    private sealed class FunctionListener(Action<BackplaneMessage> onMessage, Action<TopicGap> onGap) : ITopicListener
    {
        public void OnMessage(BackplaneMessage message) => onMessage(message);

        public void OnGap(TopicGap gap) => onGap(gap);
    }
}
