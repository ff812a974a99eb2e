namespace Runnel.Layers;

/// <summary>Carries a message to the nodes that subscribed to its topic, and keeps history where it is asked to.</summary>
/// <remarks>
/// <para>
/// It knows nothing of connections and of who is in a group: a node subscribes to a group's topic when its first member joins, so that a
/// message to a group costs a layer one delivery per node, however many members there are.
/// </para>
/// <para>
/// Order: subscribers of a topic see the messages of one publisher in the order published; messages with retention all subscribers see in
/// the order of their offsets. Delivery: without retention at most once (a node that is cut off misses messages); with retention a
/// subscription that lost the broker for a moment fills the gap from the history, so each arrives once. What a subscription cannot fill, it tells
/// its listener (<see cref="ITopicListener.OnGap"/>). Thread-safe.
/// </para>
/// <example>
/// <code>
/// await using var subscription = await backplane.SubscribeAsync(Topic.OfGroup("articles"), message => Show(message.Payload));
/// await backplane.PublishAsync(Topic.OfGroup("articles"), payload, retention: null);
/// </code>
/// </example>
/// </remarks>
public interface IBackplane
{
    /// <summary>What this backplane can do.</summary>
    BackplaneFeatures Features { get; }

    /// <summary>Whether it reaches the other nodes now.</summary>
    BackplaneState State { get; }

    /// <summary>Raised when <see cref="State"/> has changed, on a thread of the backplane; a handler must not block.</summary>
    event Action<BackplaneState>? StateChanged;

    /// <summary>Publishes a message to every subscriber of the topic, on every node, this one included.</summary>
    /// <param name="topic">Where to.</param>
    /// <param name="payload">The encoded envelope; copied or sent before the call returns, so the caller may reuse the memory.</param>
    /// <param name="retention">How much of the topic's history to keep, this message included; <see langword="null"/> to keep nothing of it.</param>
    /// <param name="cancellationToken">Ends the wait. The message may still have gone out.</param>
    /// <returns>Its place in the history; <see cref="Position.None"/> without retention.</returns>
    /// <exception cref="BackplaneUnavailableException">The broker is away and the buffer for such messages is full, or the wait for it was too long.</exception>
    /// <exception cref="NotSupportedException">A retention was asked of a backplane without <see cref="BackplaneFeatures.History"/>.</exception>
    ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default);

    /// <summary>Subscribes. When the call returns, every message published from then on is delivered, or a gap is told in its place.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="listener">Receives the messages, and is told of gaps.</param>
    /// <param name="cancellationToken">Ends the wait for the subscription.</param>
    /// <returns>The subscription; dispose it to end it.</returns>
    /// <exception cref="BackplaneUnavailableException">The broker is away, and the wait for it was too long.</exception>
    ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default);

    /// <summary>Reads the history of a topic after a position, oldest first.</summary>
    /// <param name="topic">Whose.</param>
    /// <param name="after">The last position that the reader has; <see cref="Position.None"/> for all that is kept.</param>
    /// <param name="limit">The most messages to return; at least 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NotSupportedException">The backplane is one without <see cref="BackplaneFeatures.History"/>.</exception>
    ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default);
}
