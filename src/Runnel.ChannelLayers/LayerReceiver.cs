using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>The one worker's lease under which a channel layer receives: acquired when first needed, and anew when it was lost.</summary>
internal sealed class LayerReceiver(IWorkQueue queue) : IAsyncDisposable
{
    private readonly SemaphoreSlim _changing = new(1);
    private IWorkReceiver? _receiver;
    private bool _disposed;

    public async ValueTask<IWorkReceiver> GetAsync(CancellationToken cancellationToken)
    {
        if (_receiver is { Lost.IsCancellationRequested: false } held)
            return held;
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(ChannelLayer));
            if (_receiver is { Lost.IsCancellationRequested: true } lost)
            {
                _receiver = null; // before it is disposed, so that nobody takes it
                await lost.DisposeAsync().ConfigureAwait(false);
            }
            return _receiver ??= await queue.OpenReceiverAsync(new ReceiverOptions(), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Receives; a lease that was lost is replaced.</summary>
    public async ValueTask<(IWorkReceiver Receiver, IReadOnlyList<ReceivedMessage> Messages)> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken)
    {
        while (true)
        {
            var receiver = await GetAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return (receiver, await receiver.ReceiveAsync(channel, max, cancellationToken).ConfigureAwait(false));
            }
            catch (LeaseLostException)
            {
                // Its token says so too, at the latest now: the next turn gets a new one.
                await ForgetAsync(receiver, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        _disposed = true;
        if (_receiver is not null)
            await _receiver.DisposeAsync().ConfigureAwait(false);
        _receiver = null;
        _changing.Release();
    }

    private async ValueTask ForgetAsync(IWorkReceiver receiver, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (_receiver == receiver)
            _receiver = null;
        _changing.Release();
        await receiver.DisposeAsync().ConfigureAwait(false);
    }
}
