namespace Runnel.Layers;

/// <summary>Remembers small things for all nodes: the latest value under a name, and who has reserved a name.</summary>
/// <remarks>
/// A name is made of the characters of group names and is as long as those at most. Values are small, and end by themselves. Thread-safe.
/// <example>
/// <code>
/// if (await states.ReserveAsync("dedup.payments.42", lapse: TimeSpan.FromSeconds(30), window: TimeSpan.FromMinutes(10)) is { } reservation)
/// {
///     await queue.EnqueueAsync("payments", [envelope], EnqueueOptions.Default);
///     await states.MarkAsync(reservation);
/// }
/// </code>
/// </example>
/// </remarks>
public interface IStateStore
{
    /// <summary>Keeps a value, in place of the one before.</summary>
    /// <param name="name">The name.</param>
    /// <param name="value">The value.</param>
    /// <param name="keep">How long the value is kept.</param>
    /// <param name="cancellationToken">Ends the wait. The value may be set nevertheless.</param>
    /// <exception cref="BackplaneUnavailableException">The layer is away.</exception>
    ValueTask SetAsync(string name, ReadOnlyMemory<byte> value, TimeSpan keep, CancellationToken cancellationToken = default);

    /// <summary>Reads the latest value.</summary>
    /// <param name="name">The name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The value; <see langword="null"/> when no value is set, or the last one has expired.</returns>
    /// <exception cref="BackplaneUnavailableException">The layer is away.</exception>
    ValueTask<StateValue?> GetAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Watches a name: every value that is set from now on. A value may be left out if a later one follows; the latest never is.</summary>
    /// <param name="name">The name.</param>
    /// <param name="onValue">Called for each value, one at a time, in order. It must not block and must not throw.</param>
    /// <param name="cancellationToken">Ends the wait for the watch to begin.</param>
    /// <returns>The watch; dispose it to end it.</returns>
    /// <exception cref="BackplaneUnavailableException">The layer is away.</exception>
    ValueTask<IAsyncDisposable> WatchAsync(string name, Action<StateValue> onValue, CancellationToken cancellationToken = default);

    /// <summary>Reserves a name. Of all who ask, one gets it.</summary>
    /// <param name="name">The name.</param>
    /// <param name="lapse">After so long without <see cref="ConfirmAsync"/> or <see cref="MarkAsync"/> the reservation lapses, and the next who asks gets the name.</param>
    /// <param name="window">How long the name stays taken once it is marked.</param>
    /// <param name="cancellationToken">Ends the wait. The name may be reserved nevertheless, and lapses then.</param>
    /// <returns>The reservation; <see langword="null"/> when the name is taken.</returns>
    /// <exception cref="BackplaneUnavailableException">The layer is away. The name may be reserved nevertheless, and lapses then.</exception>
    ValueTask<Reservation?> ReserveAsync(string name, TimeSpan lapse, TimeSpan window, CancellationToken cancellationToken = default);

    /// <summary>Tells whether what was reserved under a name is done: whoever did not get the name learns whether its holder came to the end.</summary>
    /// <param name="name">The name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it is marked, and its window has not ended.</returns>
    /// <exception cref="BackplaneUnavailableException">The layer is away.</exception>
    ValueTask<bool> IsMarkedAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Begins the reservation's lapse anew. Call it before you do what was reserved, if you were held up.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether the name is still yours. <see langword="false"/>: the reservation lapsed, and somebody else may have the name.</returns>
    /// <exception cref="BackplaneUnavailableException">The layer is away.</exception>
    ValueTask<bool> ConfirmAsync(Reservation reservation, CancellationToken cancellationToken = default);

    /// <summary>What was reserved is done: the name stays taken for the window.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="cancellationToken">Ends the wait. The name may be marked nevertheless.</param>
    /// <exception cref="BackplaneUnavailableException">The layer is away. Unless the name was marked, the reservation lapses.</exception>
    ValueTask MarkAsync(Reservation reservation, CancellationToken cancellationToken = default);

    /// <summary>What was reserved will not be done: the next who asks gets the name.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="cancellationToken">Ends the wait. Unless the name was released, the reservation lapses.</param>
    /// <exception cref="BackplaneUnavailableException">The layer is away. Unless the name was released, the reservation lapses.</exception>
    ValueTask ReleaseAsync(Reservation reservation, CancellationToken cancellationToken = default);
}
