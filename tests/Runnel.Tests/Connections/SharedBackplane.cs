using Runnel.Layers;

namespace Runnel.Tests.Connections;

/// <summary>A layer in this process that several nodes share, as those of several processes do.</summary>
internal sealed class SharedBackplane(IBackplane inner) : IBackplane
{
    public BackplaneFeatures Features => inner.Features | BackplaneFeatures.ScaleOut;

    public BackplaneState State => inner.State;

    public event Action<BackplaneState>? StateChanged
    {
        add => inner.StateChanged += value;
        remove => inner.StateChanged -= value;
    }

    public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        inner.PublishAsync(topic, payload, retention, cancellationToken);

    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        inner.SubscribeAsync(topic, listener, cancellationToken);

    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
        inner.ReadHistoryAsync(topic, after, limit, cancellationToken);
}
