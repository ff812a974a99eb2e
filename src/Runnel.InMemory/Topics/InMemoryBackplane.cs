using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.InMemory.Topics;
using Runnel.Layers;

namespace Runnel.InMemory;

/// <summary>The backplane of one process: for tests, and for an application that one machine holds.</summary>
/// <remarks>
/// Delivers on the publisher's thread, or, when another thread is delivering for the topic already, on that one: a publisher
/// never waits for another's subscribers, and order is kept. Several nodes of a test share one instance. History ends with the process;
/// what has aged out of it is forgotten when there is traffic on any topic.
/// </remarks>
/// <param name="timeProvider">The clock by which histories age.</param>
/// <param name="logger">Where it logs subscribers that throw; nowhere by default.</param>
public sealed class InMemoryBackplane(TimeProvider timeProvider, ILogger<InMemoryBackplane>? logger = null) : IBackplane
{
    private readonly long _origin = timeProvider.GetTimestamp();
    private readonly ILogger _logger = logger ?? NullLogger<InMemoryBackplane>.Instance;
    private readonly ConcurrentDictionary<Topic, InMemoryTopic> _topics = new();
    private readonly Lock _agingLock = new();
    private readonly PriorityQueue<InMemoryTopic, long> _aging = new();

    /// <inheritdoc/>
    public BackplaneFeatures Features => BackplaneFeatures.History;

    /// <inheritdoc/>
    public BackplaneState State => BackplaneState.Connected;

    /// <inheritdoc/>
    /// <remarks>Never raised: there is nothing to lose.</remarks>
    public event Action<BackplaneState>? StateChanged
    {
        add { }
        remove { }
    }

    /// <summary>How many topics are held: those with a subscriber, or with history that has not aged out.</summary>
    internal int TopicCount => _topics.Count;

    // Not the time of day, which may be set: then all histories would end at once, or none for long.
    private long Now => timeProvider.GetElapsedTime(_origin).Ticks;

    /// <inheritdoc/>
    public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RemoveAged();

        // Nobody listens and nothing is kept: no topic is made, so that nothing is left behind.
        if (retention is null && !_topics.ContainsKey(topic))
        {
            UnheardMessages.Tell(topic, payload, _logger);
            return ValueTask.FromResult(Position.None);
        }

        var copy = payload.ToArray();
        while (true)
        {
            var current = TopicOf(topic);
            if (!current.TryPublish(copy, retention, Now, out var position))
                continue;
            if (retention is not null)
                Age(current);
            current.Deliver();
            return ValueTask.FromResult(position);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(listener);
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            if (TopicOf(topic).TrySubscribe(listener, RemoveIfUnused) is { } subscription)
                return ValueTask.FromResult(subscription);
        }
    }

    /// <inheritdoc/>
    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        cancellationToken.ThrowIfCancellationRequested();
        RemoveAged();
        var history = _topics.TryGetValue(topic, out var current)
            ? current.ReadHistory(after, limit, Now)
            : new TopicHistory([], Position.None, IsComplete: after == Position.None, HasMore: false);
        return ValueTask.FromResult(history);
    }

    private InMemoryTopic TopicOf(Topic topic) => _topics.GetOrAdd(topic, static (key, logger) => new InMemoryTopic(key, logger), _logger);

    private void RemoveIfUnused(InMemoryTopic topic)
    {
        if (topic.TryRetire(Now))
            _topics.TryRemove(new(topic.Name, topic));
    }

    private void Age(InMemoryTopic topic)
    {
        lock (_agingLock)
        {
            if (!topic.IsAging)
                _aging.Enqueue(topic, topic.HistoryEnds);
            topic.IsAging = true;
        }
    }

    private void RemoveAged()
    {
        if (_aging.Count == 0)
            return;
        var now = Now;
        lock (_agingLock)
        {
            while (_aging.TryPeek(out var topic, out var ends) && ends <= now)
            {
                _aging.Dequeue();
                RemoveIfUnused(topic); // its aged messages at least
                var next = topic.HistoryEnds > now ? topic.HistoryEnds : topic.PositionEnds;
                topic.IsAging = next > now;
                if (topic.IsAging)
                    _aging.Enqueue(topic, next);
            }
        }
    }
}
