using Runnel.Layers;
using Runnel.Tests.Recording;

namespace Runnel.Tests.InMemory;

/// <summary>A queue that never answers at once, as no broker does: what is built on it must not live by the in-memory queue's promptness.</summary>
internal sealed class YieldingWorkQueue(IWorkQueue queue) : IWorkQueue
{
    public WorkQueueFeatures Features => queue.Features;

    public async ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default)
    {
        var copies = envelopes.Copied();
        await HesitateAsync();
        var stored = await queue.EnqueueAsync(channel, copies, options, cancellationToken);
        await HesitateAsync();
        return stored;
    }

    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) => queue.GetTimeAsync(cancellationToken);

    public async ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default)
    {
        await HesitateAsync();
        var cancelled = await queue.CancelAsync(channel, id, cancellationToken);
        await HesitateAsync();
        return cancelled;
    }

    public async ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default)
    {
        await HesitateAsync();
        return new YieldingLease(await queue.OpenReceiverAsync(options, cancellationToken));
    }

    private static async Task HesitateAsync()
    {
        for (var yields = Random.Shared.Next(1, 6); yields > 0; yields--)
            await Task.Yield();
    }

    private sealed class YieldingLease(IWorkReceiver lease) : IWorkReceiver
    {
        public string WorkerId => lease.WorkerId;

        public bool IsHeld => lease.IsHeld;

        public CancellationToken Lost => lease.Lost;

        public async ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
        {
            // Not before: who receives first is first in line on a broker too.
            var received = await lease.ReceiveAsync(channel, max, cancellationToken);
            await HesitateAsync();
            return received;
        }

        public async ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default)
        {
            await HesitateAsync();
            return await lease.CompleteAsync(message, cancellationToken);
        }

        public async ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default)
        {
            await HesitateAsync();
            return await lease.AbandonAsync(message, options, cancellationToken);
        }

        public async ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default)
        {
            await HesitateAsync();
            return await lease.DeadLetterAsync(message, reason, error, cancellationToken);
        }

        public async ValueTask DisposeAsync()
        {
            await HesitateAsync();
            await lease.DisposeAsync();
        }
    }
}
