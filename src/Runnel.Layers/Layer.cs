namespace Runnel.Layers;

/// <summary>A layer: the seams that it fills. Disposing it ends both.</summary>
/// <param name="backplane">Carries messages to the other nodes.</param>
/// <param name="workQueue">Keeps messages until they are handled.</param>
/// <param name="owned">What both stand on, ended after them.</param>
/// <param name="open">Connects: what <see cref="OpenAsync"/> does. Without it there is nothing to connect to.</param>
public sealed class Layer(IBackplane backplane, IWorkQueue workQueue, IAsyncDisposable? owned = null, Func<CancellationToken, Task>? open = null)
    : IAsyncDisposable
{
    private readonly Func<CancellationToken, Task> _open = open ?? (static _ => Task.CompletedTask);
    private readonly SemaphoreSlim _opening = new(1);
    private bool _isOpen;

    /// <summary>Carries messages to the other nodes.</summary>
    public IBackplane Backplane { get; } = backplane;

    /// <summary>Keeps messages until they are handled.</summary>
    public IWorkQueue WorkQueue { get; } = workQueue;

    /// <summary>Connects, and checks that the server is one that the layer can use. Called before anything else uses the layer.</summary>
    /// <remarks>
    /// However often it is called, the layer is opened once; after a failure the next call tries again. A failure is an exception whose message is
    /// one sentence that names what is wrong and what to do: a start that cannot work ends with it.
    /// </remarks>
    /// <exception cref="IOException">The server cannot be reached.</exception>
    /// <exception cref="InvalidOperationException">The server is there, but it is none that the layer can use.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isOpen)
                return;
            await _open(cancellationToken).ConfigureAwait(false);
            _isOpen = true;
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var part in new object?[] { WorkQueue, Backplane, owned })
        {
            if (part is IAsyncDisposable asynchronously)
                await asynchronously.DisposeAsync();
            else
                (part as IDisposable)?.Dispose();
        }
    }
}
