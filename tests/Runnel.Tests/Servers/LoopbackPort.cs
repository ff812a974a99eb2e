using System.Net;
using System.Net.Sockets;

namespace Runnel.Tests.Servers;

/// <summary>Ports for servers that tests start, and start again.</summary>
internal static class LoopbackPort
{
    // Below those that Linux gives to outgoing connections: one of these could take the port while its server is down, or even, looking for
    // the server, connect to itself.
    private const int Lowest = 20_000, End = 32_768;
    private const int MostTries = 100;

    // One after the other, so that of two tests that run at the same time none is given the port that the other is about to use.
    private static int _given = Random.Shared.Next(End - Lowest);

    /// <summary>A port at which nobody listens.</summary>
    public static int Free()
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            var port = Lowest + (int)((uint)Interlocked.Increment(ref _given) % (End - Lowest));
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody else's; another one will do.
            }
        }

        throw new InvalidOperationException($"There is no free port between {Lowest} and {End}.");
    }
}
