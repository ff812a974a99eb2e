using System.Collections.Concurrent;
using Runnel.Layers;

namespace Runnel.Tests.Recovery;

/// <summary>A backplane on which a test makes gaps, counts the reads of histories, and holds them up.</summary>
internal sealed class TornBackplane(IBackplane inner) : DelegatingBackplane(inner)
{
    private readonly ConcurrentDictionary<ITopicListener, Topic> _listeners = new();
    private int _reads;

    /// <summary>How many times a group's history was read.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Reading waits for this.</summary>
    public Task Held { get; set; } = Task.CompletedTask;

    /// <summary>Every subscriber of a group is told that messages are missing, or may be.</summary>
    public void Tear(GroupName group, TopicGap gap = default)
    {
        foreach (var (listener, topic) in _listeners)
        {
            if (topic == Topic.OfGroup(group))
                listener.OnGap(gap);
        }
    }

    public override ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
    {
        _listeners[listener] = topic;
        return base.SubscribeAsync(topic, listener, cancellationToken);
    }

    public override async ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default)
    {
        if (topic.Kind == TopicKind.Group)
        {
            Interlocked.Increment(ref _reads);
            await Held.WaitAsync(cancellationToken);
        }
        return await base.ReadHistoryAsync(topic, after, limit, cancellationToken);
    }
}
