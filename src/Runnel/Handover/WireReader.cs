using System.Text;

namespace Runnel.Handover;

/// <summary>Reads what <see cref="WireWriter"/> wrote.</summary>
internal ref struct WireReader(ReadOnlyMemory<byte> item)
{
    private readonly ReadOnlyMemory<byte> _item = item;
    private int _at;

    /// <summary>What has not been read.</summary>
    public readonly ReadOnlyMemory<byte> Rest => _item[_at..];

    /// <exception cref="FormatException">The item ends here.</exception>
    public byte Byte() => _at < _item.Length ? _item.Span[_at++] : throw Ended();

    /// <exception cref="FormatException">The item ends here, or has a number that is too large.</exception>
    public long Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Byte();
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return (long)value;
        }
        throw Ended();
    }

    /// <exception cref="FormatException">The item ends here, or has a number that is too large.</exception>
    public int Int() => Number() is >= int.MinValue and <= int.MaxValue and var value ? (int)value : throw Ended();

    /// <exception cref="FormatException">The item ends here.</exception>
    public ReadOnlySpan<byte> Bytes()
    {
        var length = Number();
        if (length < 0 || length > _item.Length - _at)
            throw Ended();
        var bytes = _item.Span.Slice(_at, (int)length);
        _at += (int)length;
        return bytes;
    }

    /// <exception cref="FormatException">The item ends here.</exception>
    public string Text() => Encoding.UTF8.GetString(Bytes());

    /// <summary>A value that may be missing: no bytes.</summary>
    /// <exception cref="FormatException">The item ends here.</exception>
    public byte[]? Optional() => Bytes() is { Length: > 0 } bytes ? bytes.ToArray() : null;

    private static FormatException Ended() => new("An item from another node ends too early, or has a number that is too large.");
}
