using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.Tests.Toy;

/// <summary>A backplane that keeps no history.</summary>
internal sealed class ToyBackplane(InMemoryBackplane inner) : IBackplane
{
    public BackplaneFeatures Features => inner.Features & ~BackplaneFeatures.History;

    public BackplaneState State => inner.State;

    public event Action<BackplaneState>? StateChanged
    {
        add => inner.StateChanged += value;
        remove => inner.StateChanged -= value;
    }

    public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        retention is null ? inner.PublishAsync(topic, payload, retention, cancellationToken) : throw KeepsNone(topic);

    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        inner.SubscribeAsync(topic, listener, cancellationToken);

    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) => throw KeepsNone(topic);

    private static NotSupportedException KeepsNone(Topic topic) => new($"The toy layer keeps no history, but '{topic}' was to have one.");
}
