using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>The one worker's lease under which a channel layer receives: acquired when first needed, and anew when it was lost.</summary>
internal sealed class LayerLease(IWorkQueue queue) : IAsyncDisposable
{
    private readonly SemaphoreSlim _changing = new(1);
    private IWorkerLease? _lease;
    private bool _disposed;

    public async ValueTask<IWorkerLease> GetAsync(CancellationToken cancellationToken)
    {
        if (_lease is { Lost.IsCancellationRequested: false } held)
            return held;
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(ChannelLayer));
            if (_lease is not { Lost.IsCancellationRequested: false })
                _lease = await queue.AcquireLeaseAsync(new WorkerLeaseOptions(), cancellationToken).ConfigureAwait(false);
            return _lease;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Receives; a lease that was lost is replaced.</summary>
    public async ValueTask<(IWorkerLease Lease, IReadOnlyList<ReceivedMessage> Messages)> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken)
    {
        while (true)
        {
            var lease = await GetAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return (lease, await lease.ReceiveAsync(channel, max, cancellationToken).ConfigureAwait(false));
            }
            catch (LeaseLostException)
            {
                // Its token says so too, at the latest now: the next turn gets a new one.
                await ForgetAsync(lease, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        _disposed = true;
        if (_lease is not null)
            await _lease.DisposeAsync().ConfigureAwait(false);
        _lease = null;
        _changing.Release();
    }

    private async ValueTask ForgetAsync(IWorkerLease lease, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (_lease == lease)
            _lease = null;
        _changing.Release();
        await lease.DisposeAsync().ConfigureAwait(false);
    }
}
