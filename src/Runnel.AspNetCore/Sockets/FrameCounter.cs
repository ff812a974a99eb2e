namespace Runnel.AspNetCore.Sockets;

/// <summary>Counts the frames in what a client sends, as the bytes go by (RFC 6455 §5.2).</summary>
/// <remarks>The framework's reader deals with pings, pongs and empty pieces by itself, and shows none of them.</remarks>
internal struct FrameCounter
{
    private long _skip;
    private ulong _length;
    private byte _at;
    private byte _lengthBytes;
    private bool _isMasked;

    /// <summary>Whether the client has sent its close, after which nothing comes.</summary>
    public bool HasSeenClose { get; private set; }

    /// <summary>Takes note of the next bytes.</summary>
    /// <returns>How many frames begin in them.</returns>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        var frames = 0;
        while (!bytes.IsEmpty)
        {
            if (_skip > 0)
            {
                var skipped = (int)Math.Min(_skip, bytes.Length);
                _skip -= skipped;
                bytes = bytes[skipped..];
                continue;
            }
            if (_at == 0)
                frames++;
            TakeHead(bytes[0]);
            bytes = bytes[1..];
        }
        return frames;
    }

    private void TakeHead(byte next)
    {
        switch (_at++)
        {
            case 0:
                HasSeenClose |= (next & 0x0F) == (int)FrameKind.Close;
                return;
            case 1:
                _isMasked = next >= 0x80;
                (_length, _lengthBytes) = (next & 0x7F) switch
                {
                    126 => (0UL, (byte)2),
                    127 => (0UL, (byte)8),
                    var length => ((ulong)length, (byte)0),
                };
                break;
            default:
                _length = (_length << 8) | next;
                _lengthBytes--;
                break;
        }
        if (_lengthBytes > 0)
            return;
        _skip = (long)Math.Min(_length, long.MaxValue - 4) + (_isMasked ? 4 : 0);
        _at = 0;
    }
}
