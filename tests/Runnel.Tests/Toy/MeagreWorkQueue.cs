using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.Tests.Toy;

/// <summary>A work queue that can do the least that a queue may: beyond the toy's lacks it knows no keys, counts no crashes, tears batches apart, and filters no dead letters.</summary>
internal sealed class MeagreWorkQueue(InMemoryWorkQueue inner) : ToyWorkQueue(inner), IWorkQueue, IWorkQueueOperator
{
    public new WorkQueueFeatures Features => WorkQueueFeatures.None;

    public new async ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(envelopes);
        if (envelopes.Any(envelope => envelope.Normalised().Key is not null))
            throw new NotSupportedException($"The meagre layer keeps no order of keys, but a message to channel '{channel}' has a Key.");
        var stored = 0;
        foreach (var envelope in envelopes)
            stored += await base.EnqueueAsync(channel, [envelope], options, cancellationToken);
        return stored;
    }

    public new async ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default) =>
        new MeagreReceiver(await base.OpenReceiverAsync(options, cancellationToken));

    public new ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default) =>
        base.ListDeadLettersAsync(channel, All(channel, filter), limit, cancellationToken);

    public new ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) =>
        base.ReplayAsync(channel, All(channel, filter), cancellationToken);

    public new ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) =>
        base.PurgeAsync(channel, All(channel, filter), cancellationToken);

    private static DeadLetterFilter All(ChannelName channel, DeadLetterFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return filter == DeadLetterFilter.All
            ? filter
            : throw new NotSupportedException($"The meagre layer cannot pick some of the dead letters of channel '{channel}'.");
    }

    private sealed class MeagreReceiver(IWorkReceiver inner) : IWorkReceiver
    {
        public string WorkerId => inner.WorkerId;

        public bool IsHeld => inner.IsHeld;

        public CancellationToken Lost => inner.Lost;

        public async ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default) =>
            [.. (await inner.ReceiveAsync(channel, max, cancellationToken)).Select(message => message with { Envelope = message.Envelope with { Crashes = 0 } })];

        public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default) => inner.CompleteAsync(message, cancellationToken);

        public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default) =>
            inner.AbandonAsync(message, options, cancellationToken);

        public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default) =>
            inner.DeadLetterAsync(message, reason, error, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
