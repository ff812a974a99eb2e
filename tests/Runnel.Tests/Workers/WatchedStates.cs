using Runnel.Layers;

namespace Runnel.Tests.Workers;

/// <summary>A store of states that fails when told to, and counts what it is asked.</summary>
internal sealed class WatchedStates(IStateStore inner) : IStateStore
{
    private int _sets;
    private int _reservations;

    /// <summary>What is thrown when a value is to be set under a name, if anything.</summary>
    public Func<string, Exception?> OnSet { get; set; } = static _ => null;

    /// <summary>What is thrown when the value of a name is asked for, if anything.</summary>
    public Func<string, Exception?> OnGet { get; set; } = static _ => null;

    /// <summary>What a value waits for before it is set.</summary>
    public Func<Task> OnSetAsync { get; set; } = static () => Task.CompletedTask;

    /// <summary>What happens before a name is reserved.</summary>
    public Func<Task> OnReserveAsync { get; set; } = static () => Task.CompletedTask;

    /// <summary>Whether reservations cannot be marked or released, for a reason that no layer of ours has.</summary>
    public bool FailsToSettle { get; set; }

    /// <summary>How many values were to be set.</summary>
    public int Sets => _sets;

    /// <summary>How often a name was to be reserved.</summary>
    public int Reservations => _reservations;

    public async ValueTask SetAsync(string name, ReadOnlyMemory<byte> value, TimeSpan keep, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _sets);
        await OnSetAsync().WaitAsync(cancellationToken);
        if (OnSet(name) is { } failure)
            throw failure;
        await inner.SetAsync(name, value, keep, cancellationToken);
    }

    public ValueTask<StateValue?> GetAsync(string name, CancellationToken cancellationToken = default) =>
        OnGet(name) is { } failure ? throw failure : inner.GetAsync(name, cancellationToken);

    public ValueTask<IAsyncDisposable> WatchAsync(string name, Action<StateValue> onValue, CancellationToken cancellationToken = default) => inner.WatchAsync(name, onValue, cancellationToken);

    public async ValueTask<Reservation?> ReserveAsync(string name, TimeSpan lapse, TimeSpan window, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _reservations);
        await OnReserveAsync();
        return await inner.ReserveAsync(name, lapse, window, cancellationToken);
    }

    public ValueTask<bool> IsMarkedAsync(string name, CancellationToken cancellationToken = default) => inner.IsMarkedAsync(name, cancellationToken);

    public ValueTask<bool> ConfirmAsync(Reservation reservation, CancellationToken cancellationToken = default) => inner.ConfirmAsync(reservation, cancellationToken);

    public ValueTask MarkAsync(Reservation reservation, CancellationToken cancellationToken = default) =>
        FailsToSettle ? throw new TimeoutException("The store is slow.") : inner.MarkAsync(reservation, cancellationToken);

    public ValueTask ReleaseAsync(Reservation reservation, CancellationToken cancellationToken = default) =>
        FailsToSettle ? throw new TimeoutException("The store is slow.") : inner.ReleaseAsync(reservation, cancellationToken);
}
