using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.Tests.Recording;

namespace Runnel.Tests.Workers;

/// <summary>A work queue that fails when told to, and shows its leases and what they are asked for.</summary>
internal sealed class WatchedQueue(IWorkQueue inner) : IWorkQueue, IWorkQueueOperator
{
    private int _failingReceives;
    private int _failingLeases;
    private int _failingEnqueues;
    private int _failingTimes;
    private int _timesAsked;
    private int _receiving;

    public int FailingReceives { set => _failingReceives = value; }

    public int FailingLeases { set => _failingLeases = value; }

    public int FailingEnqueues { set => _failingEnqueues = value; }

    /// <summary>How often the time cannot be told from now on.</summary>
    public int FailingTimes { set => _failingTimes = value; }

    /// <summary>What a message waits for before it is stored.</summary>
    public Func<Task> OnEnqueue { get; set; } = static () => Task.CompletedTask;

    /// <summary>What a worker waits for before it takes messages.</summary>
    public Func<Task> OnReceive { get; set; } = static () => Task.CompletedTask;

    /// <summary>What a message waits for before it is given back, or tried again after a failure.</summary>
    public Func<Task> OnAbandon { get; set; } = static () => Task.CompletedTask;

    /// <summary>What a worker waits for that has given a message back, or that has a failed one tried again.</summary>
    public Func<Task> OnAbandoned { get; set; } = static () => Task.CompletedTask;

    /// <summary>What a message waits for before it is completed, if anything.</summary>
    public Task? Completing { get; set; }

    /// <summary>Whether workers that complete a message are told that it is not theirs any more.</summary>
    public bool RefusesToComplete { get; set; }

    /// <summary>Whether workers hear that their lease is lost; one whose process was stopped does not, for a while.</summary>
    public bool TellsOfLoss { get; init; } = true;

    /// <summary>Whether workers cannot tell if their lease is lost.</summary>
    public bool IsInDoubt { get; set; }

    public IWorkQueue Inner => inner;

    public IList<IWorkReceiver> Leases { get; } = [];

    /// <summary>The same leases, as the layer made them.</summary>
    public IList<IWorkReceiver> OwnLeases { get; } = [];

    /// <summary>What the leases were asked for with.</summary>
    public ConcurrentQueue<ReceiverOptions> Opened { get; } = new();

    public ConcurrentQueue<int> Asked { get; } = new();

    /// <summary>How often a worker has got something, or stands in line for it by now: who has asked need not yet.</summary>
    public int Receiving => Volatile.Read(ref _receiving);

    public WorkQueueFeatures Features => inner.Features;

    public ConcurrentQueue<EnqueueOptions> Enqueued { get; } = new();

    private IWorkQueueOperator Operator => (IWorkQueueOperator)inner;

    public async ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default)
    {
        Enqueued.Enqueue(options);
        var copies = envelopes.Copied();
        await OnEnqueue();
        return Interlocked.Decrement(ref _failingEnqueues) >= 0 ? throw new IOException("The layer is away.") : await inner.EnqueueAsync(channel, copies, options, cancellationToken);
    }

    /// <summary>How often the time was asked for.</summary>
    public int TimesAsked => _timesAsked;

    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default)
    {
        var fails = Interlocked.Decrement(ref _failingTimes) >= 0;
        Interlocked.Increment(ref _timesAsked);
        return fails ? throw new IOException("The layer is away.") : inner.GetTimeAsync(cancellationToken);
    }

    public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default) => inner.CancelAsync(channel, id, cancellationToken);

    public async ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default)
    {
        Opened.Enqueue(options);
        if (Interlocked.Decrement(ref _failingLeases) >= 0)
            throw new IOException("The layer is away.");
        var own = await inner.OpenReceiverAsync(options, cancellationToken);
        var lease = new WatchedLease(this, own);
        OwnLeases.Add(own);
        Leases.Add(lease);
        return lease;
    }

    public ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default) => Operator.ListChannelsAsync(cancellationToken);

    public ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default) =>
        Operator.ListDeadLettersAsync(channel, filter, limit, cancellationToken);

    public ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) => Operator.ReplayAsync(channel, filter, cancellationToken);

    public ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) => Operator.PurgeAsync(channel, filter, cancellationToken);

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => Operator.FlushAsync(cancellationToken);

    private sealed class WatchedLease(WatchedQueue queue, IWorkReceiver inner) : IWorkReceiver
    {
        public string WorkerId => inner.WorkerId;

        public bool IsHeld => !queue.IsInDoubt && inner.IsHeld;

        public CancellationToken Lost => queue.TellsOfLoss ? inner.Lost : CancellationToken.None;

        public async ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
        {
            queue.Asked.Enqueue(max);
            await queue.OnReceive();
            if (Interlocked.Decrement(ref queue._failingReceives) >= 0)
                throw new IOException("The layer is away.");
            var receiving = inner.ReceiveAsync(channel, max, cancellationToken);
            Interlocked.Increment(ref queue._receiving);
            return await receiving;
        }

        public async ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default)
        {
            if (queue.Completing is { } completing)
                await completing;
            return !queue.RefusesToComplete && await inner.CompleteAsync(message, cancellationToken);
        }

        public async ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default)
        {
            await queue.OnAbandon();
            var wasOurs = await inner.AbandonAsync(message, options, cancellationToken);
            await queue.OnAbandoned();
            return wasOurs;
        }

        public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default) =>
            inner.DeadLetterAsync(message, reason, error, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

/// <summary>A backplane that fails when told to, and counts what is published.</summary>
internal sealed class WatchedBackplane(IBackplane inner) : DelegatingBackplane(inner)
{
    private int _failingSubscriptions;
    private int _failingPublications;
    private int _failingReads;

    public int FailingSubscriptions { set => _failingSubscriptions = value; }

    public int FailingPublications { set => _failingPublications = value; }

    /// <summary>How many reads of a history fail from now on; below 0 once more have been tried.</summary>
    public int FailingReads
    {
        get => _failingReads;
        set => _failingReads = value;
    }

    public Action OnPublish { get; set; } = static () => { };

    /// <summary>What it says that it can do, if that is not what it can.</summary>
    public BackplaneFeatures? Claimed { get; init; }

    public override BackplaneFeatures Features => Claimed ?? base.Features;

    public ConcurrentQueue<(Topic Topic, ReadOnlyMemory<byte> Payload)> Published { get; } = new();

    /// <summary>What a publication waits for.</summary>
    public Func<Envelope, Task>? Hold { get; set; }

    public override async ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
    {
        if (IsOfWorkers(topic))
            return await base.PublishAsync(topic, payload, retention, cancellationToken);
        if (Hold?.Invoke(EnvelopeFormat.Decode(payload)) is { } hold)
            await hold;
        if (Interlocked.Decrement(ref _failingPublications) >= 0)
            throw new BackplaneUnavailableException("The layer is away.");
        Published.Enqueue((topic, payload.ToArray()));
        OnPublish();
        return await base.PublishAsync(topic, payload, retention, cancellationToken);
    }

    public override ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        IsOfWorkers(topic) && Interlocked.Decrement(ref _failingSubscriptions) >= 0
            ? throw new BackplaneUnavailableException("The layer is away.")
            : base.SubscribeAsync(topic, listener, cancellationToken);

    public override ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
        Interlocked.Decrement(ref _failingReads) >= 0 ? throw new BackplaneUnavailableException("The layer is away.") : base.ReadHistoryAsync(topic, after, limit, cancellationToken);

    private static bool IsOfWorkers(Topic topic) => topic.Kind == TopicKind.Runnel || topic.Value.Contains(":consumed.", StringComparison.Ordinal) || topic.Value.Contains(":recurring.", StringComparison.Ordinal);
}
