using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Runnel.Bench;

/// <summary>Opens a WebSocket by hand: a blocking socket, the HTTP request, and SignalR's handshake where it is one.</summary>
/// <remarks>Blocking, because a socket that was once awaited stays with .NET's own event loop and would wake it for every message.</remarks>
internal static class Upgrade
{
    private const int LongestResponse = 8 * 1024;
    private const int TimeoutMilliseconds = 20_000;

    private static readonly byte[] SignalRHandshake = ClientFrame.Text("{\"protocol\":\"json\",\"version\":1}\u001e");

    /// <summary>Connects, and returns what came after the HTTP response.</summary>
    public static (Socket Socket, byte[] Surplus) Open(int port, string target)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = TimeoutMilliseconds,
            SendTimeout = TimeoutMilliseconds,
        };
        socket.Connect(IPAddress.Loopback, port);
        socket.Send(Encoding.ASCII.GetBytes(
            $"GET {FanoutTargets.PathOf(target)} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
        var surplus = ReadResponse(socket);
        if (target == FanoutTargets.SignalR)
            socket.Send(SignalRHandshake);
        socket.Blocking = false;
        return (socket, surplus);
    }

    private static byte[] ReadResponse(Socket socket)
    {
        var buffer = new byte[LongestResponse];
        for (var length = 0; length < buffer.Length;)
        {
            var read = socket.Receive(buffer, length, buffer.Length - length, SocketFlags.None);
            if (read == 0)
                break;
            length += read;
            var end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end < 0)
                continue;
            if (!buffer.AsSpan().StartsWith("HTTP/1.1 101 "u8))
                break;
            return buffer[(end + 4)..length];
        }

        throw new BenchException($"The server refused the WebSocket: {Encoding.ASCII.GetString(buffer).TrimEnd('\0')}");
    }
}
