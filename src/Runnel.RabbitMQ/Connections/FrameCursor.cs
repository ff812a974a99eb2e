using System.Buffers.Binary;

namespace Runnel.RabbitMQ.Connections;

/// <summary>Where in its frames a stream of AMQP is, as its bytes pass by.</summary>
/// <param name="before">How many bytes come before the first frame.</param>
internal sealed class FrameCursor(int before)
{
    /// <summary>A frame begins with its kind, its channel, and the length of its content, behind which there is one byte more.</summary>
    public const int HeadLength = 7, LengthAt = 3;

    private readonly byte[] _head = new byte[HeadLength];
    private int _headCount;
    private long _left = before;

    /// <summary>Whether the next byte is the first of a frame.</summary>
    public bool IsBetweenFrames => _left == 0 && _headCount == 0;

    public void Pass(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[(_left > 0 ? PassContent(bytes.Length) : PassHead(bytes))..];
    }

    private int PassContent(int most)
    {
        var count = (int)Math.Min(_left, most);
        _left -= count;
        return count;
    }

    private int PassHead(ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(HeadLength - _headCount, bytes.Length);
        bytes[..count].CopyTo(_head.AsSpan(_headCount));
        _headCount += count;
        if (_headCount == HeadLength)
        {
            _left = BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(LengthAt)) + 1L;
            _headCount = 0;
        }
        return count;
    }
}
