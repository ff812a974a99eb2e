using Runnel.Layers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Processes;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>Whether a worker of this process holds its lease, or has given it back, or has lost it.</summary>
internal sealed class LeaseState(Membership node, int number)
{
    private const int Held = 0, Given = 1, Taken = 2;

    private int _state;

    public long Id { get; } = SqliteNames.WorkerId(node.Id, number);

    public string WorkerId { get; } = SqliteNames.WorkerOf(node.Name, number);

    /// <summary>Whether others know of the worker.</summary>
    public bool IsRegistered { get; set; }

    public bool IsHeld => Volatile.Read(ref _state) == Held;

    /// <summary>Raised when the lease is lost, on the writer's thread or a closing store's.</summary>
    public event Action? Lost;

    /// <summary>Inside a transaction: before the worker holds anything, others have to know whose it is.</summary>
    /// <returns>Whether they do now. If not, the lease is lost: this process joined again under another name just when the lease was made.</returns>
    public bool TryRegister(StoreTransaction transaction)
    {
        if (IsRegistered)
            return true;
        // Nobody would give back what a worker of an unknown process held.
        if (!transaction.Nodes.List().Exists(known => known.Id == node.Id))
        {
            TryLose();
            return false;
        }
        transaction.Nodes.AddWorker(Id, node.Id);
        return true;
    }

    /// <summary>The worker leaves.</summary>
    /// <returns>Whether it held the lease until now.</returns>
    public bool TryGiveBack() => TryEnd(Given);

    /// <summary>What the worker holds belongs to others now.</summary>
    /// <returns>Whether it held the lease until now.</returns>
    public bool TryLose()
    {
        if (!TryEnd(Taken))
            return false;
        Lost?.Invoke();
        return true;
    }

    /// <summary>What a receive on a lease that is over throws.</summary>
    public Exception Ended() => Volatile.Read(ref _state) == Given ? new ObjectDisposedException(nameof(IWorkReceiver)) : new LeaseLostException(WorkerId);

    private bool TryEnd(int state) => Interlocked.CompareExchange(ref _state, state, Held) == Held;
}
