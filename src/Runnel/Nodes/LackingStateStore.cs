using Runnel.Layers;

namespace Runnel.Nodes;

/// <summary>Stands in for a state store where no layer remembers anything, so that services can be made: whatever is asked of it is refused.</summary>
internal sealed class LackingStateStore : IStateStore
{
    public static LackingStateStore Instance { get; } = new();

    public ValueTask SetAsync(string name, ReadOnlyMemory<byte> value, TimeSpan keep, CancellationToken cancellationToken = default) => throw Lacks(name);

    public ValueTask<StateValue?> GetAsync(string name, CancellationToken cancellationToken = default) => throw Lacks(name);

    public ValueTask<IAsyncDisposable> WatchAsync(string name, Action<StateValue> onValue, CancellationToken cancellationToken = default) => throw Lacks(name);

    public ValueTask<Reservation?> ReserveAsync(string name, TimeSpan lapse, TimeSpan window, CancellationToken cancellationToken = default) => throw Lacks(name);

    public ValueTask<bool> IsMarkedAsync(string name, CancellationToken cancellationToken = default) => throw Lacks(name);

    public ValueTask<bool> ConfirmAsync(Reservation reservation, CancellationToken cancellationToken = default) => throw Lacks(reservation.Name);

    public ValueTask MarkAsync(Reservation reservation, CancellationToken cancellationToken = default) => throw Lacks(reservation.Name);

    public ValueTask ReleaseAsync(Reservation reservation, CancellationToken cancellationToken = default) => throw Lacks(reservation.Name);

    private static NotSupportedException Lacks(string name) => new(
        $"'{name}' cannot be remembered, since no layer of this application remembers anything. Pick one that does, such as sqlite: or redis: (--state-layer, Runnel:StateLayer).");
}
