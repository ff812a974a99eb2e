using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Runnel.Cli.Sockets;

/// <summary>Makes messages of a server's bytes, as they come. A connection that waits for its next message holds no buffer.</summary>
internal sealed class FrameSplitter(IFrameReceiver receiver)
{
    /// <summary>The longest message.</summary>
    public const int LongestMessage = 16 * 1024 * 1024;

    private const int NoStatus = 1005;

    private byte[] _rest = [];
    private ArrayBufferWriter<byte>? _pieces; // of a message in several frames
    private Opcode _piecesAre;

    /// <summary>Whether the server has said that it closes.</summary>
    public bool IsClosed { get; private set; }

    /// <exception cref="FaultException">The server broke the protocol.</exception>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        if (_rest.Length > 0)
            bytes = (byte[])[.. _rest, .. bytes];
        while (!IsClosed && TryRead(ref bytes, out var isFinal, out var opcode, out var payload))
            Take(isFinal, opcode, payload);
        _rest = bytes.IsEmpty || IsClosed ? [] : bytes.ToArray();
    }

    private static bool TryRead(ref ReadOnlySpan<byte> bytes, out bool isFinal, out Opcode opcode, out ReadOnlySpan<byte> payload)
    {
        (isFinal, opcode) = (false, default);
        payload = default;
        if (bytes.Length < 2)
            return false;
        (isFinal, opcode) = ((bytes[0] & 0x80) != 0, (Opcode)(bytes[0] & 0xF));
        Check(bytes[0], bytes[1], isFinal, opcode);
        int head;
        ulong length;
        switch (bytes[1])
        {
            case < 126:
                (head, length) = (2, bytes[1]);
                break;
            case 126 when bytes.Length >= 4:
                (head, length) = (4, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]));
                break;
            case 127 when bytes.Length >= 10:
                (head, length) = (10, BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]));
                break;
            default:
                return false;
        }
        if (length > LongestMessage)
            throw FaultException.Protocol($"The server sent a message of more than {LongestMessage / 1024 / 1024} MiB.");
        if ((ulong)bytes.Length < (ulong)head + length)
            return false;
        payload = bytes.Slice(head, (int)length);
        bytes = bytes[(head + (int)length)..];
        return true;
    }

    private static void Check(byte first, byte second, bool isFinal, Opcode opcode)
    {
        if ((first & 0x70) != 0)
            throw FaultException.Protocol("The server sent a frame with a reserved bit.");
        if ((second & 0x80) != 0)
            throw FaultException.Protocol("The server sent a masked frame.");
        if (!Enum.IsDefined(opcode))
            throw FaultException.Protocol($"The server sent a frame of the unknown kind {(int)opcode}.");
        if (opcode >= Opcode.Close && (!isFinal || second > 125))
            throw FaultException.Protocol("The server sent a control frame that is cut, or too long.");
    }

    private void Take(bool isFinal, Opcode opcode, ReadOnlySpan<byte> payload)
    {
        switch (opcode)
        {
            case Opcode.Ping:
                receiver.OnPing(payload);
                break;
            case Opcode.Pong:
                break;
            case Opcode.Close:
                TakeClose(payload);
                break;
            case Opcode.Continuation:
                TakePiece(isFinal, payload);
                break;
            default:
                TakeFirst(isFinal, opcode, payload);
                break;
        }
    }

    private void TakeFirst(bool isFinal, Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (_pieces is not null)
            throw FaultException.Protocol("The server began a message within another one.");
        if (isFinal)
        {
            Hand(opcode, payload);
            return;
        }
        (_pieces, _piecesAre) = (new ArrayBufferWriter<byte>(), opcode);
        _pieces.Write(payload);
    }

    private void TakePiece(bool isFinal, ReadOnlySpan<byte> payload)
    {
        if (_pieces is null)
            throw FaultException.Protocol("The server went on with a message that it had not begun.");
        if (_pieces.WrittenCount + payload.Length > LongestMessage)
            throw FaultException.Protocol($"The server sent a message of more than {LongestMessage / 1024 / 1024} MiB.");
        _pieces.Write(payload);
        if (!isFinal)
            return;
        var whole = _pieces;
        _pieces = null;
        Hand(_piecesAre, whole.WrittenSpan);
    }

    private void Hand(Opcode opcode, ReadOnlySpan<byte> message)
    {
        if (opcode == Opcode.Text && !Utf8.IsValid(message))
            throw FaultException.Protocol("The server sent text that is not UTF-8.");
        receiver.OnMessage(message);
    }

    private void TakeClose(ReadOnlySpan<byte> payload)
    {
        if (payload.Length == 1)
            throw FaultException.Protocol("The server sent a close frame with half of a code.");
        IsClosed = true;
        if (payload.IsEmpty)
            receiver.OnClose(NoStatus, "");
        else
            receiver.OnClose(BinaryPrimitives.ReadUInt16BigEndian(payload), Encoding.UTF8.GetString(payload[2..]));
    }
}
