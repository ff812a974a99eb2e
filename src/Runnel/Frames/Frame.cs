using System.Buffers.Binary;
using System.Text;

namespace Runnel;

/// <summary>One message on its way to clients. It is encoded once, and all connections that it goes to share it. Immutable.</summary>
/// <remarks>
/// The bytes are a whole unmasked server frame (RFC 6455 §5.2), header and payload in one piece, so that a WebSocket writes them as they are.
/// Other carriers take only the payload.
/// </remarks>
public sealed class Frame
{
    private const byte Final = 0x80;

    // What a frame costs beside its bytes: its place in a queue, and its objects if no other connection shares it.
    private const int PlaceBytes = 16, ObjectBytes = 64;

    private readonly byte[] _bytes;
    private readonly int _payloadAt;

    private Frame(FrameKind kind, int payloadLength)
    {
        Kind = kind;
        _payloadAt = payloadLength switch { < 126 => 2, <= ushort.MaxValue => 4, _ => 10 };
        _bytes = new byte[_payloadAt + payloadLength];
        _bytes[0] = (byte)(Final | (byte)kind);
        switch (_payloadAt)
        {
            case 2:
                _bytes[1] = (byte)payloadLength;
                break;
            case 4:
                _bytes[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(2), (ushort)payloadLength);
                break;
            default:
                _bytes[1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(_bytes.AsSpan(2), (ulong)payloadLength);
                break;
        }
    }

    /// <summary>The kind of frame.</summary>
    public FrameKind Kind { get; }

    /// <summary>Whether it came through a group: only such a frame may be dropped when a client cannot keep up.</summary>
    internal bool IsOfGroup { get; init; }

    /// <summary>The whole frame as a server writes it to a WebSocket.</summary>
    public ReadOnlyMemory<byte> Wire => _bytes;

    /// <summary>The content without the header.</summary>
    public ReadOnlyMemory<byte> Payload => _bytes.AsMemory(_payloadAt);

    /// <summary>Its length on the wire, in bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>How many bytes it counts for while it waits for a client: what it is on the wire, and what it costs to keep.</summary>
    internal int Cost => _bytes.Length + PlaceBytes + (IsOfGroup ? 0 : ObjectBytes);

    /// <summary>A text frame.</summary>
    public static Frame Text(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var frame = new Frame(FrameKind.Text, Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, frame._bytes.AsSpan(frame._payloadAt));
        return frame;
    }

    /// <summary>A text frame whose content is already UTF-8; the content is copied.</summary>
    public static Frame Text(ReadOnlySpan<byte> utf8) => Of(FrameKind.Text, utf8);

    /// <summary>The frame of a group's message; the content is copied.</summary>
    internal static Frame OfGroup(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        var frame = new Frame(kind, payload.Length) { IsOfGroup = true };
        payload.CopyTo(frame._bytes.AsSpan(frame._payloadAt));
        return frame;
    }

    /// <summary>A binary frame; the content is copied.</summary>
    public static Frame Binary(ReadOnlySpan<byte> data) => Of(FrameKind.Binary, data);

    /// <summary>A frame of any kind; the content is copied.</summary>
    public static Frame Of(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        var frame = new Frame(kind, payload.Length);
        payload.CopyTo(frame._bytes.AsSpan(frame._payloadAt));
        return frame;
    }

    /// <summary>A close frame.</summary>
    /// <param name="code">A code of <see cref="CloseCode"/>, or one of your own from 3000 to 4999.</param>
    /// <param name="reason">Why, for people. Only the first 123 bytes are sent, because a control frame has no room for more.</param>
    public static Frame Close(int code, string? reason)
    {
        Span<byte> payload = stackalloc byte[125];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        // TryGetBytes would give up on a reason that is too long; the encoder stops at the last whole character that fits.
        Encoding.UTF8.GetEncoder().Convert(reason ?? "", payload[2..], flush: true, out _, out var written, out _);
        return Of(FrameKind.Close, payload[..(2 + written)]);
    }
}
