using System.Collections.Concurrent;
using Runnel.Sqlite.Processes;

namespace Runnel.Sqlite.Writing;

/// <summary>The leases of this process's workers.</summary>
internal sealed class Leases(WaitingReceivers receivers)
{
    private readonly ConcurrentDictionary<long, LeaseState> _held = new();
    private int _lastNumber;

    public LeaseState Add(Membership node)
    {
        var lease = new LeaseState(node, Interlocked.Increment(ref _lastNumber));
        _held[lease.Id] = lease;
        return lease;
    }

    /// <summary>A worker has given its lease back.</summary>
    public void Remove(LeaseState lease) => _held.TryRemove(lease.Id, out _);

    /// <summary>What this process's workers hold belongs to others now. On the writer's thread, or when that has ended.</summary>
    public void LoseAll()
    {
        foreach (var lease in _held.Values)
            Lose(lease);
    }

    /// <summary>What a worker holds belongs to others now.</summary>
    public void Lose(LeaseState lease)
    {
        Remove(lease);
        if (lease.TryLose())
            receivers.Fail(lease, _ => lease.Ended());
    }
}
