using System.Diagnostics;
using System.Net.Sockets;

namespace Runnel.Bench;

/// <summary>One connection of the generator: takes the frames apart as they come and notes the messages in them.</summary>
internal sealed class ClientSocket : IDisposable
{
    private readonly Socket _socket;
    private readonly Deliveries _deliveries;

    /// <summary>What did not suffice for a header or a control frame, until the next bytes come.</summary>
    private byte[] _rest;

    /// <summary>The beginning of a stamp that a frame's end, or the read's, has cut; null until that happens.</summary>
    private byte[]? _cutStamp;
    private int _cutLength;

    private long _payloadLeft;

    public ClientSocket(int port, string target, Deliveries deliveries)
    {
        (_socket, _rest) = Upgrade.Open(port, target);
        _deliveries = deliveries;
    }

    public int Descriptor => (int)_socket.Handle;

    /// <summary>Reads what there is.</summary>
    /// <returns>False when the server has closed the connection.</returns>
    public bool Receive(byte[] buffer)
    {
        var kept = _rest.Length;
        _rest.CopyTo(buffer, 0);
        var read = _socket.Receive(buffer.AsSpan(kept), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
            return true;
        if (error != SocketError.Success || read == 0)
            return false;

        return Take(buffer.AsSpan(0, kept + read), Stopwatch.GetTimestamp());
    }

    /// <summary>Sends a text, which has to fit into the system's buffer. The thread that receives may be another one.</summary>
    public void Send(string text)
    {
        var frame = ClientFrame.Text(text);
        if (_socket.Send(frame, SocketFlags.None, out var error) != frame.Length)
            throw new BenchException($"A socket did not take a message of {text.Length} characters ({error}): the server reads too slowly, or has closed it.");
    }

    public void Dispose() => _socket.Dispose();

    private bool Take(ReadOnlySpan<byte> bytes, long now)
    {
        while (true)
        {
            var payload = bytes[..(int)Math.Min(_payloadLeft, bytes.Length)];
            Note(payload, now);
            _payloadLeft -= payload.Length;
            bytes = bytes[payload.Length..];

            if (!FrameHeader.TryRead(bytes, out var header) || (header.IsControl && bytes.Length < header.HeaderLength + header.PayloadLength))
                break;
            bytes = bytes[header.HeaderLength..];
            if (!header.IsControl)
            {
                _payloadLeft = header.PayloadLength;
                continue;
            }

            if (header.Opcode == FrameHeader.Close)
                return false;
            if (header.Opcode == FrameHeader.Ping)
                Pong(bytes[..(int)header.PayloadLength]);
            bytes = bytes[(int)header.PayloadLength..];
        }

        _rest = bytes.ToArray();
        return true;
    }

    private void Note(ReadOnlySpan<byte> payload, long now)
    {
        if (_cutLength > 0)
            payload = FinishStamp(payload, now);

        for (int mark; (mark = payload.IndexOf(BenchMessage.Mark)) >= 0;)
        {
            payload = payload[mark..];
            if (payload.Length < BenchMessage.StampLength)
            {
                _cutStamp ??= new byte[BenchMessage.StampLength];
                payload.CopyTo(_cutStamp);
                _cutLength = payload.Length;
                return;
            }

            _deliveries.Note(BenchMessage.ReadTimestamp(payload), now);
            payload = payload[BenchMessage.StampLength..];
        }
    }

    private ReadOnlySpan<byte> FinishStamp(ReadOnlySpan<byte> payload, long now)
    {
        var missing = Math.Min(BenchMessage.StampLength - _cutLength, payload.Length);
        payload[..missing].CopyTo(_cutStamp.AsSpan(_cutLength));
        _cutLength += missing;
        if (_cutLength == BenchMessage.StampLength)
        {
            _deliveries.Note(BenchMessage.ReadTimestamp(_cutStamp), now);
            _cutLength = 0;
        }

        return payload[missing..];
    }

    private void Pong(ReadOnlySpan<byte> payload) => _socket.Send(ClientFrame.Pong(payload), SocketFlags.None, out _);
}
