using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.Tests.Toy;

/// <summary>A work queue that can do less than ours: it takes nothing back, and does not know duplicates.</summary>
internal class ToyWorkQueue(InMemoryWorkQueue inner) : IWorkQueue, IWorkQueueOperator
{
    public TimeSpan LongestKeyedDelay => TimeSpan.FromDays(10);

    public WorkQueueFeatures Features => inner.Features & ~(WorkQueueFeatures.Cancel | WorkQueueFeatures.Deduplicate);

    public ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(envelopes);
        return envelopes.Any(envelope => envelope.Normalised().DeduplicationId is not null)
            ? throw new NotSupportedException($"The toy layer does not know duplicates, but a message to channel '{channel}' has a DeduplicationId.")
            : inner.EnqueueAsync(channel, envelopes, options, cancellationToken);
    }

    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) => inner.GetTimeAsync(cancellationToken);

    public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException($"The toy layer cannot take back a message of channel '{channel}'.");

    public ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default) => inner.OpenReceiverAsync(options, cancellationToken);

    public ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default) => inner.ListChannelsAsync(cancellationToken);

    public ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default) =>
        inner.ListDeadLettersAsync(channel, filter, limit, cancellationToken);

    public ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) => inner.ReplayAsync(channel, filter, cancellationToken);

    public ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) => inner.PurgeAsync(channel, filter, cancellationToken);

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);
}
