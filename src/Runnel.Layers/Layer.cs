namespace Runnel.Layers;

/// <summary>A layer: the seams that it fills. Disposing it ends both.</summary>
/// <param name="backplane">Carries messages to the other nodes.</param>
/// <param name="workQueue">Keeps messages until they are handled.</param>
/// <param name="owned">What both stand on, ended after them.</param>
public sealed class Layer(IBackplane backplane, IWorkQueue workQueue, IAsyncDisposable? owned = null) : IAsyncDisposable
{
    /// <summary>Carries messages to the other nodes.</summary>
    public IBackplane Backplane { get; } = backplane;

    /// <summary>Keeps messages until they are handled.</summary>
    public IWorkQueue WorkQueue { get; } = workQueue;

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
