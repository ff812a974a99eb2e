using System.Net;
using System.Net.Sockets;

namespace Runnel.Bench;

/// <summary>A port for a server of the run's own.</summary>
internal static class LoopbackPort
{
    // Below the ports of outgoing connections, which could take this one while the server is down.
    private const int Lowest = 20_000, End = 32_768;

    public static int Free()
    {
        while (true)
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(Lowest, End));
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // Somebody else's; another one will do.
            }
        }
    }
}
