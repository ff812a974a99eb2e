using Runnel.Layers;

namespace Runnel.Tests;

/// <summary>A work queue whose workers are each in a process of its own.</summary>
/// <param name="queue">The queue of the process that sends.</param>
/// <param name="openReceiver">Opens a worker in one more process.</param>
internal sealed class QueueOfProcesses(IWorkQueue queue, Func<ReceiverOptions, CancellationToken, ValueTask<IWorkReceiver>> openReceiver) : IWorkQueue
{
    public WorkQueueFeatures Features => queue.Features;

    public ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default) =>
        queue.EnqueueAsync(channel, envelopes, options, cancellationToken);

    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) => queue.GetTimeAsync(cancellationToken);

    public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default) => queue.CancelAsync(channel, id, cancellationToken);

    public ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default) => openReceiver(options, cancellationToken);
}
