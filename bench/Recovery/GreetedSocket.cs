using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Runnel.Bench;

/// <summary>One WebSocket that offers <c>runnel.v1</c>, and never blocks: thousands connect at the same moment, on one thread.</summary>
internal sealed class GreetedSocket : IDisposable
{
    private const int LongestResponse = 8 * 1024;
    private const byte Text = 0x1;

    private readonly Socket _socket;
    private readonly byte[] _request;
    private byte[] _rest = [];
    private bool _isRequested;
    private bool _isOpen;

    /// <param name="port">Where the node is.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="receiveBuffer">How much the system keeps for it; 0 for as much as it wants.</param>
    public GreetedSocket(int port, string path, int receiveBuffer)
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false, LingerState = new LingerOption(true, 0) };
        if (receiveBuffer > 0)
            _socket.ReceiveBufferSize = receiveBuffer;
        _request = Encoding.ASCII.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: runnel.v1\r\n\r\n");
        try
        {
            _socket.Connect(IPAddress.Loopback, port);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // It is on its way: the socket becomes writable.
        }
    }

    public int Descriptor => (int)_socket.Handle;

    /// <summary>Whether the server has ever answered.</summary>
    public bool HasAnswer { get; private set; }

    /// <summary>Does what can be done without waiting: asks for the upgrade, then reads all that there is.</summary>
    /// <returns>False when the connection is over, or never came about.</returns>
    public bool Advance(byte[] buffer, ISocketReader reader)
    {
        if (!_isRequested)
        {
            _socket.Send(_request, SocketFlags.None, out var failure);
            if (failure == SocketError.WouldBlock)
                return true;
            if (failure != SocketError.Success)
                return false;
            _isRequested = true;
        }
        while (true)
        {
            var kept = _rest.Length;
            _rest.CopyTo(buffer, 0);
            var read = _socket.Receive(buffer.AsSpan(kept), SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
                return true;
            if (error != SocketError.Success || read == 0)
                return false;
            HasAnswer = true;
            if (!Take(buffer.AsSpan(0, kept + read), reader))
                return false;
        }
    }

    /// <summary>Sends a text, which has to fit into the system's buffer: a client says little.</summary>
    public void Send(string text) => _socket.Send(ClientFrame.Text(text), SocketFlags.None, out _);

    /// <summary>Breaks it off: the server's system is told at once.</summary>
    public void Dispose() => _socket.Dispose();

    private bool Take(ReadOnlySpan<byte> bytes, ISocketReader reader)
    {
        if (!_isOpen && !TryOpen(ref bytes, reader))
            return bytes.Length == 0;
        while (FrameHeader.TryRead(bytes, out var header) && bytes.Length >= header.HeaderLength + header.PayloadLength)
        {
            var payload = bytes.Slice(header.HeaderLength, (int)header.PayloadLength);
            switch (header.Opcode)
            {
                case Text:
                    reader.Take(payload);
                    break;
                case FrameHeader.Close:
                    return false;
                case FrameHeader.Ping:
                    _socket.Send(ClientFrame.Pong(payload), SocketFlags.None, out _);
                    break;
            }
            bytes = bytes[(header.HeaderLength + payload.Length)..];
        }
        _rest = bytes.IsEmpty ? [] : bytes.ToArray();
        return true;
    }

    // Whether the frames begin. If they do not, nothing is left of the bytes but where the server has refused.
    private bool TryOpen(ref ReadOnlySpan<byte> bytes, ISocketReader reader)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0 && bytes.Length < LongestResponse)
        {
            _rest = bytes.ToArray();
            bytes = [];
            return false;
        }
        if (!bytes.StartsWith("HTTP/1.1 101 "u8))
            return false;
        _isOpen = true;
        bytes = bytes[(end + 4)..];
        reader.Opened();
        return true;
    }
}
