using Microsoft.Extensions.Options;

namespace Runnel.AspNetCore.Admission;

/// <summary>Counts the sockets of this node that are being connected: from the request until the consumer has connected, with the wait for the client's hello in between.</summary>
internal sealed class Handshakes(IOptions<GatewayOptions> options)
{
    private int _count;

    /// <summary>How many there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Takes a place, if there is one.</summary>
    public bool TryBegin()
    {
        if (Interlocked.Increment(ref _count) <= options.Value.MaxHandshakes)
            return true;
        End();
        return false;
    }

    /// <summary>Gives a place back.</summary>
    public void End() => Interlocked.Decrement(ref _count);
}
