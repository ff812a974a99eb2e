namespace Runnel.Layers;

/// <summary>A layer: the seams that it fills, and what they stand on. Disposing it ends all of it.</summary>
/// <remarks>
/// A layer fills the seams it can and leaves the others <see langword="null"/>.
/// <example>
/// <code>
/// return new Layer { Backplane = backplane, WorkQueue = queue, Operator = queue, Owned = store, Open = store.OpenAsync, Identity = store.GetIdentityAsync };
/// </code>
/// </example>
/// </remarks>
public sealed class Layer : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1);
    private bool _isOpen;

    /// <summary>Carries messages to the other nodes; <see langword="null"/> when the layer does not.</summary>
    public IBackplane? Backplane { get; init; }

    /// <summary>Keeps messages until they are handled; <see langword="null"/> when the layer does not.</summary>
    public IWorkQueue? WorkQueue { get; init; }

    /// <summary>The operator's side of <see cref="WorkQueue"/>; <see langword="null"/> when there is nothing to operate.</summary>
    public IWorkQueueOperator? Operator { get; init; }

    /// <summary>Remembers values and reservations; <see langword="null"/> to have them kept in the history of <see cref="Backplane"/>, if it keeps any.</summary>
    /// <remarks>
    /// Members of a job's group (<c>job.</c> and the id) see the job's states only if <see cref="Backplane"/> keeps history, because they subscribe to the topic of the state
    /// there. <c>IJobs</c> and the endpoints of jobs follow a job on any state store.
    /// </remarks>
    public IStateStore? State { get; init; }

    /// <summary>Channels of single processes that the broker finds by name; <see langword="null"/> when the layer has none. Then <c>IChannelLayer</c> uses the work queue.</summary>
    public IDirectChannels? DirectChannels { get; init; }

    /// <summary>Sees whether the processes that share the layer live; <see langword="null"/> when the layer does not see that. Then each node says once a second that it lives.</summary>
    public IProofOfLife? ProofOfLife { get; init; }

    /// <summary>What the seams stand on; disposed after them.</summary>
    public IAsyncDisposable? Owned { get; init; }

    /// <summary>Connects: what <see cref="OpenAsync"/> does. By default there is nothing to connect to.</summary>
    public Func<CancellationToken, Task> Open { get; init; } = static _ => Task.CompletedTask;

    /// <summary>
    /// Answers, once the layer is open, what tells its data from any other's, such as <c>redis/3f1c…</c>. Two nodes whose layers have the same identity
    /// see the same data, whatever addresses they were given.
    /// </summary>
    public required Func<CancellationToken, Task<string>> Identity { get; init; }

    /// <summary>Connects, and checks that the server is one that the layer can use. Called before anything else uses the layer.</summary>
    /// <remarks>
    /// However often it is called, the layer is opened once; after a failure the next call tries again. A failure is an exception whose message is
    /// one sentence that names what is wrong and what to do: a start that cannot work ends with it.
    /// </remarks>
    /// <exception cref="IOException">The server cannot be reached.</exception>
    /// <exception cref="InvalidOperationException">The layer cannot use the server.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isOpen)
                return;
            await Open(cancellationToken).ConfigureAwait(false);
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
        // One object may fill several seams.
        foreach (var part in new object?[] { WorkQueue, Operator, State, DirectChannels, Backplane, ProofOfLife, Owned }.Distinct())
        {
            if (part is IAsyncDisposable asynchronously)
                await asynchronously.DisposeAsync().ConfigureAwait(false);
            else
                (part as IDisposable)?.Dispose();
        }
    }
}
