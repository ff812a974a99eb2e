using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Links;

namespace Runnel.Tests.Links;

/// <summary>What becomes of a packet.</summary>
internal enum Fate
{
    Arrives,
    GetsLost,
    ComesTwice,

    /// <summary>Another one overtakes it.</summary>
    ComesLate,

    /// <summary>Publishing fails, and it gets lost.</summary>
    Fails,

    /// <summary>Publishing fails, and it arrives all the same.</summary>
    FailsLate,
}

/// <summary>A node's way to the others, on which a test decides what becomes of each packet.</summary>
internal sealed class LinkWire(InMemoryBackplane inner) : IBackplane
{
    private readonly Lock _lock = new();
    private volatile BackplaneState _state = BackplaneState.Connected;
    private (Topic Topic, byte[] Payload)? _late;
    private int _waiting;
    private int _done;

    /// <summary>What becomes of the next packet. Called once for each.</summary>
    public Func<Fate> Decide { get; set; } = static () => Fate.Arrives;

    /// <summary>Publishing waits for this.</summary>
    public Task Held { get; set; } = Task.CompletedTask;

    /// <summary>How many packets were published.</summary>
    public int Published { get; private set; }

    /// <summary>How many of them got lost, but for those that only confirm or ask: nobody knows how many of these there are.</summary>
    public int Lost { get; private set; }

    /// <summary>How many of them said that a link has ended.</summary>
    public int Ends { get; private set; }

    /// <summary>Whether all that was published has arrived, if it does at all.</summary>
    public bool IsDone => Volatile.Read(ref _done) == Published;

    /// <summary>How many are being published.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public BackplaneFeatures Features => inner.Features | BackplaneFeatures.ScaleOut;

    public BackplaneState State => _state;

    public event Action<BackplaneState>? StateChanged;

    public void Change(BackplaneState state)
    {
        _state = state;
        StateChanged?.Invoke(state);
    }

    public async ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _waiting);
        await Held;
        Interlocked.Decrement(ref _waiting);
        var flags = FlagsOf(payload.Span);
        Fate fate;
        (Topic Topic, byte[] Payload)? late;
        lock (_lock)
        {
            Published++;
            (fate, late) = (Decide(), _late);
            if (fate == Fate.GetsLost && (flags & (LinkFlags.Items | LinkFlags.Ended)) != 0)
                Lost++;
            if (flags.HasFlag(LinkFlags.Ended))
                Ends++;
            _late = fate == Fate.ComesLate ? (topic, payload.ToArray()) : null;
        }
        try
        {
            return await DeliverAsync(topic, payload, retention, fate, late, cancellationToken);
        }
        finally
        {
            Interlocked.Increment(ref _done);
        }
    }

    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        inner.SubscribeAsync(topic, listener, cancellationToken);

    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
        inner.ReadHistoryAsync(topic, after, limit, cancellationToken);

    private static LinkFlags FlagsOf(ReadOnlySpan<byte> payload) => LinkHeader.TryRead(payload, out var header) ? header.Flags : LinkFlags.None;

    private async ValueTask<Position> DeliverAsync(
        Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, Fate fate, (Topic Topic, byte[] Payload)? late, CancellationToken cancellationToken)
    {
        if (fate is Fate.Arrives or Fate.ComesTwice or Fate.FailsLate)
            await inner.PublishAsync(topic, payload, retention, cancellationToken);
        if (fate is Fate.ComesTwice)
            await inner.PublishAsync(topic, payload, retention, cancellationToken);
        if (late is { } overtaken)
            await inner.PublishAsync(overtaken.Topic, overtaken.Payload, retention, cancellationToken);
        return fate is Fate.Fails or Fate.FailsLate ? throw new BackplaneUnavailableException("The test lets it fail.") : Position.None;
    }
}
