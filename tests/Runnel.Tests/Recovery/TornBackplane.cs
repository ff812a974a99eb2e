using System.Collections.Concurrent;
using Runnel.Layers;

namespace Runnel.Tests.Recovery;

/// <summary>A backplane on which a test makes gaps, counts the reads of histories, and holds them up.</summary>
internal sealed class TornBackplane(IBackplane inner) : IBackplane
{
    private readonly ConcurrentDictionary<ITopicListener, Topic> _listeners = new();
    private int _reads;

    /// <summary>How many times a group's history was read.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Reading waits for this.</summary>
    public Task Held { get; set; } = Task.CompletedTask;

    public BackplaneFeatures Features => inner.Features;

    public BackplaneState State => inner.State;

    public event Action<BackplaneState>? StateChanged
    {
        add => inner.StateChanged += value;
        remove => inner.StateChanged -= value;
    }

    /// <summary>Every subscriber of a group is told that messages may be missing.</summary>
    public void Tear(GroupName group)
    {
        foreach (var (listener, topic) in _listeners)
        {
            if (topic == Topic.OfGroup(group))
                listener.OnGap(TopicGap.Unknown);
        }
    }

    public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        inner.PublishAsync(topic, payload, retention, cancellationToken);

    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
    {
        _listeners[listener] = topic;
        return inner.SubscribeAsync(topic, listener, cancellationToken);
    }

    public async ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default)
    {
        if (topic.Kind == TopicKind.Group)
        {
            Interlocked.Increment(ref _reads);
            await Held.WaitAsync(cancellationToken);
        }
        return await inner.ReadHistoryAsync(topic, after, limit, cancellationToken);
    }
}
