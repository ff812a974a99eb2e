namespace Runnel.Layers;

/// <summary>The seams of an application, each from the layer that was picked for it. Disposing it ends the layers.</summary>
/// <param name="main">The layer for groups and direct messages, and for work, unless another one was picked for that.</param>
/// <param name="queue">The layer for work; <see langword="null"/> for <paramref name="main"/>.</param>
/// <param name="timeProvider">The clock of what is remembered in a history.</param>
public sealed class LayerComposition(Layer main, Layer? queue, TimeProvider timeProvider) : IAsyncDisposable
{
    /// <summary>Carries messages to the other nodes; <see langword="null"/> when the main layer does not.</summary>
    public IBackplane? Backplane { get; } = main.Backplane;

    /// <summary>Keeps messages until they are handled; <see langword="null"/> when the layer for work does not.</summary>
    public IWorkQueue? WorkQueue { get; } = (queue ?? main).WorkQueue;

    /// <summary>The operator's side of <see cref="WorkQueue"/>; <see langword="null"/> when there is none.</summary>
    public IWorkQueueOperator? Operator { get; } = (queue ?? main).Operator;

    /// <summary>Remembers values and reservations; <see langword="null"/> when no layer can: the main one comes first, then the one for work.</summary>
    public IStateStore? State { get; } = StateOf(main, timeProvider) ?? (queue is null ? null : StateOf(queue, timeProvider));

    /// <summary>Opens the layers, one after the other.</summary>
    /// <inheritdoc cref="Layer.OpenAsync"/>
    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        await main.OpenAsync(cancellationToken).ConfigureAwait(false);
        if (queue is not null)
            await queue.OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (queue is not null)
            await queue.DisposeAsync().ConfigureAwait(false);
        await main.DisposeAsync().ConfigureAwait(false);
    }

    private static IStateStore? StateOf(Layer layer, TimeProvider timeProvider) =>
        layer.State ?? (layer.Backplane is { } backplane && backplane.Features.HasFlag(BackplaneFeatures.History) ? new HistoryStateStore(backplane, timeProvider) : null);
}
