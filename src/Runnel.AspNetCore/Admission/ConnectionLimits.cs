using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Options;

namespace Runnel.AspNetCore.Admission;

/// <summary>Counts the connections of this node, sockets and streams of events: in all, by remote address, and in the last second.</summary>
internal sealed class ConnectionLimits(IOptions<GatewayOptions> options, TimeProvider timeProvider)
{
    private readonly ConcurrentDictionary<IPAddress, int> _byAddress = new();
    private readonly ConnectionRate _rate = new(options.Value.MaxConnectionsPerSecond, timeProvider);
    private int _count;
    private TaskCompletionSource? _emptied;

    /// <summary>How many connections there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>How many addresses have a socket now.</summary>
    public int AddressCount => _byAddress.Count;

    /// <summary>Takes a place, if there is one.</summary>
    public ConnectionAdmission TryEnter(IPAddress? address)
    {
        if (Interlocked.Increment(ref _count) > options.Value.MaxConnections)
        {
            Interlocked.Decrement(ref _count);
            return ConnectionAdmission.NodeFull;
        }
        // Whoever has no room must not use up what others may do in this second.
        var admission = address is not null && _byAddress.AddOrUpdate(address, 1, static (_, count) => count + 1) > options.Value.MaxConnectionsPerAddress
            ? ConnectionAdmission.AddressFull
            : _rate.TryTake() ? ConnectionAdmission.Admitted : ConnectionAdmission.TooManyASecond;
        if (admission != ConnectionAdmission.Admitted)
            Leave(address);
        return admission;
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(IPAddress? address)
    {
        LeaveAddress(address);
        LeaveNode();
    }

    /// <summary>Gives back what counts for the address: its client is gone. <see cref="LeaveNode"/> follows, when all that belonged to the connection has ended.</summary>
    public void LeaveAddress(IPAddress? address)
    {
        if (address is null)
            return;
        // The entry goes with its last socket, so that the table is never larger than the number of sockets.
        if (_byAddress.AddOrUpdate(address, 0, static (_, count) => count - 1) <= 0)
            _byAddress.TryRemove(new(address, 0));
    }

    /// <summary>Gives back what counts for the node.</summary>
    public void LeaveNode()
    {
        if (Interlocked.Decrement(ref _count) == 0)
            Volatile.Read(ref _emptied)?.TrySetResult();
    }

    /// <summary>Completes when there is no connection, and all that belonged to the last has ended.</summary>
    public Task EmptiedAsync()
    {
        var emptied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _emptied, emptied);
        Interlocked.MemoryBarrier();
        if (Count == 0)
            emptied.TrySetResult();
        return emptied.Task;
    }
}
