using System.Collections.Concurrent;
using Runnel.Layers;

namespace Runnel.Tests.Connections;

/// <summary>A backplane whose subscribing a test holds up or fails, and counts.</summary>
internal sealed class HeldBackplane(IBackplane inner) : DelegatingBackplane(inner)
{
    private int _live;
    private int _subscribed;

    /// <summary>Subscribing waits for this.</summary>
    public Task Held { get; set; } = Task.CompletedTask;

    /// <summary>What the next subscriptions fail with, one each.</summary>
    public ConcurrentQueue<Exception> Failures { get; } = new();

    /// <summary>What publishing to a group fails with, if anything.</summary>
    public Exception? PublishFailure { get; set; }

    /// <summary>How many subscriptions there are now.</summary>
    public int Live => Volatile.Read(ref _live);

    /// <summary>How many there ever were.</summary>
    public int Subscribed => Volatile.Read(ref _subscribed);

    public override ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        PublishFailure is { } failure && topic.Kind == TopicKind.Group ? throw failure : base.PublishAsync(topic, payload, retention, cancellationToken);

    public override async ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
    {
        await Held.WaitAsync(cancellationToken);
        if (Failures.TryDequeue(out var failure))
            throw failure;
        Interlocked.Increment(ref _subscribed);
        var subscription = await base.SubscribeAsync(topic, listener, cancellationToken);
        Interlocked.Increment(ref _live);
        return new Subscription(this, subscription);
    }

    private sealed class Subscription(HeldBackplane owner, ITopicSubscription inner) : ITopicSubscription
    {
        private int _ended;

        public Position Begins => inner.Begins;

        public async ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
                Interlocked.Decrement(ref owner._live);
            await inner.DisposeAsync();
        }
    }
}
