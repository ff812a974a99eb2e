using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Options;

namespace Runnel.AspNetCore.Admission;

/// <summary>Counts the connections of this node, sockets and streams of events, in all and by remote address.</summary>
internal sealed class ConnectionLimits(IOptions<GatewayOptions> options)
{
    private readonly ConcurrentDictionary<IPAddress, int> _byAddress = new();
    private int _count;

    /// <summary>How many addresses have a socket now.</summary>
    public int AddressCount => _byAddress.Count;

    public ConnectionAdmission TryEnter(IPAddress? address)
    {
        if (Interlocked.Increment(ref _count) > options.Value.MaxConnections)
        {
            Interlocked.Decrement(ref _count);
            return ConnectionAdmission.NodeFull;
        }
        if (address is null || _byAddress.AddOrUpdate(address, 1, static (_, count) => count + 1) <= options.Value.MaxConnectionsPerAddress)
            return ConnectionAdmission.Admitted;
        Leave(address);
        return ConnectionAdmission.AddressFull;
    }

    public void Leave(IPAddress? address)
    {
        Interlocked.Decrement(ref _count);
        if (address is null)
            return;
        // The entry goes with its last socket, so that the table is never larger than the number of sockets.
        if (_byAddress.AddOrUpdate(address, 0, static (_, count) => count - 1) <= 0)
            _byAddress.TryRemove(new(address, 0));
    }
}
