namespace Runnel.Layers;

/// <summary>The seams of an application, each from the layer picked for it. Disposing it ends the layers.</summary>
/// <remarks>A layer may be picked for several things: it is opened and disposed once.</remarks>
public sealed class LayerComposition : IAsyncDisposable
{
    private readonly Layer[] _layers;
    private readonly Layer? _keeper;

    /// <summary>Puts layers together.</summary>
    /// <param name="main">The layer for groups and direct messages, and for work and states, unless others were picked for these.</param>
    /// <param name="queue">The layer for work; <see langword="null"/> for <paramref name="main"/>.</param>
    /// <param name="state">The layer that remembers; <see langword="null"/> for <paramref name="main"/>, or <paramref name="queue"/> if only that one can.</param>
    /// <param name="timeProvider">The clock of what is remembered in a history.</param>
    public LayerComposition(Layer main, Layer? queue, Layer? state, TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(main);
        _layers = [.. new[] { main, queue ?? main, state ?? main }.Distinct()];
        WorkQueue = (queue ?? main).WorkQueue;
        Operator = (queue ?? main).Operator;
        DirectChannels = main.DirectChannels;
        (MainBackplane, ProofOfLife) = (main.Backplane, main.ProofOfLife);
        _keeper = new[] { state ?? main, state ?? queue }.OfType<Layer>().FirstOrDefault(layer => layer.State is not null || HasHistory(layer));
        MainRemembers = _keeper == main;
        State = _keeper?.State ?? (_keeper is null ? null : new HistoryStateStore(_keeper.Backplane!, timeProvider));
        Backplane = main.Backplane is { } groups && _keeper is not null && _keeper != main && HasHistory(_keeper) ? new RoutedBackplane(groups, _keeper.Backplane!) : main.Backplane;
    }

    /// <summary>
    /// Carries messages to the other nodes; <see langword="null"/> when the main layer does not. The topics of states (<see cref="Topic.OfState"/>) are those of the layer
    /// that remembers.
    /// </summary>
    public IBackplane? Backplane { get; }

    /// <summary>The main layer's own backplane. Unlike <see cref="Backplane"/>, it is not interrupted while only the layer that remembers is away.</summary>
    public IBackplane? MainBackplane { get; }

    /// <summary>What the main layer sees of the processes that share it; <see langword="null"/> when it does not see whether they live.</summary>
    public IProofOfLife? ProofOfLife { get; }

    /// <summary>Keeps messages until they are handled; <see langword="null"/> when the layer for work does not.</summary>
    public IWorkQueue? WorkQueue { get; }

    /// <summary>The operator's side of <see cref="WorkQueue"/>; <see langword="null"/> when there is none.</summary>
    public IWorkQueueOperator? Operator { get; }

    /// <summary>Channels of single processes that the main layer's broker finds by name; <see langword="null"/> when it has none.</summary>
    public IDirectChannels? DirectChannels { get; }

    /// <summary>Remembers values and reservations; <see langword="null"/> when no layer can.</summary>
    public IStateStore? State { get; }

    /// <summary>Whether the main layer is the one that remembers. Nodes that reach each other then share what they remember.</summary>
    public bool MainRemembers { get; }

    /// <summary>Opens the layers, one after the other.</summary>
    /// <inheritdoc cref="Layer.OpenAsync"/>
    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        foreach (var layer in _layers)
            await layer.OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads the identity of the layer that remembers (<see cref="Layer.Identity"/>). All nodes of an application must have the same. It changes when the layer loses its data.</summary>
    /// <returns>The identity; <see langword="null"/> when no layer remembers.</returns>
    public async Task<string?> GetStateIdentityAsync(CancellationToken cancellationToken = default) =>
        _keeper is null ? null : await _keeper.Identity(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var layer in _layers.Reverse())
            await layer.DisposeAsync().ConfigureAwait(false);
    }

    private static bool HasHistory(Layer layer) => layer.Backplane is { } backplane && backplane.Features.HasFlag(BackplaneFeatures.History);
}
