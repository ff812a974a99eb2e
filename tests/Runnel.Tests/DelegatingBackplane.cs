using Runnel.Layers;

namespace Runnel.Tests;

/// <summary>A backplane that does what another one does, but for what a test changes.</summary>
internal abstract class DelegatingBackplane(IBackplane inner) : IBackplane
{
    public event Action<BackplaneState>? StateChanged
    {
        add => inner.StateChanged += value;
        remove => inner.StateChanged -= value;
    }

    public virtual BackplaneFeatures Features => inner.Features;

    public BackplaneState State => inner.State;

    public virtual ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        inner.PublishAsync(topic, payload, retention, cancellationToken);

    public virtual ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        inner.SubscribeAsync(topic, listener, cancellationToken);

    public virtual ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
        inner.ReadHistoryAsync(topic, after, limit, cancellationToken);
}
