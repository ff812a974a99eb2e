using System.Buffers.Binary;

namespace Runnel.Bench;

/// <summary>The head of a WebSocket frame from a server: never masked (RFC 6455, section 5.2).</summary>
internal readonly record struct FrameHeader(byte Opcode, int HeaderLength, long PayloadLength)
{
    public const byte Close = 0x8;
    public const byte Ping = 0x9;

    public bool IsControl => (Opcode & 0x8) != 0;

    /// <returns>False when the bytes end before the header does.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHeader header)
    {
        header = default;
        if (bytes.Length < 2)
            return false;
        if ((bytes[1] & 0x80) != 0)
            throw new InvalidDataException("The server sent a masked frame.");

        var opcode = (byte)(bytes[0] & 0xF);
        switch (bytes[1])
        {
            case < 126:
                header = new FrameHeader(opcode, 2, bytes[1]);
                return true;
            case 126 when bytes.Length >= 4:
                header = new FrameHeader(opcode, 4, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]));
                return true;
            case 127 when bytes.Length >= 10:
                header = new FrameHeader(opcode, 10, BinaryPrimitives.ReadInt64BigEndian(bytes[2..]));
                return true;
            default:
                return false;
        }
    }
}
