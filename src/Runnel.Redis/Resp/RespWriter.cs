using System.Buffers.Text;
using System.Text;

namespace Runnel.Redis.Resp;

/// <summary>Writes one command: an array of texts, as Redis wants it.</summary>
internal sealed class RespWriter
{
    private const int LongestNumber = 20;

    private byte[] _buffer;
    private int _length;

    /// <summary>Begins a command of so many parts, its name included.</summary>
    public RespWriter(int parts, int sizeHint = 256)
    {
        _buffer = new byte[sizeHint];
        WriteHead((byte)'*', parts);
    }

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    /// <summary>Where the next part's first byte will stand, if that has fewer than ten bytes.</summary>
    public int NextShortPart => _length + "$1\r\n".Length;

    public static ReadOnlyMemory<byte> Encode(params ReadOnlySpan<string> parts)
    {
        var writer = new RespWriter(parts.Length);
        foreach (var part in parts)
            writer.Add(part);
        return writer.Written;
    }

    public void Add(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        WriteHead((byte)'$', length);
        Encoding.UTF8.GetBytes(text, Room(length));
        Advance(length);
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(AddEmpty(bytes.Length));
    }

    public void Add(long number)
    {
        Span<byte> digits = stackalloc byte[LongestNumber];
        Utf8Formatter.TryFormat(number, digits, out var length);
        Add(digits[..length]);
    }

    /// <summary>Adds a part of so many bytes, which the caller fills in before anything else is added.</summary>
    public Span<byte> AddEmpty(int length)
    {
        WriteHead((byte)'$', length);
        var part = Room(length)[..length];
        Advance(length);
        return part;
    }

    private void WriteHead(byte type, int number)
    {
        var room = Room(LongestNumber + 3);
        room[0] = type;
        Utf8Formatter.TryFormat(number, room[1..], out var digits);
        "\r\n"u8.CopyTo(room[(1 + digits)..]);
        _length += digits + 3;
    }

    private void Advance(int length)
    {
        "\r\n"u8.CopyTo(_buffer.AsSpan(_length + length));
        _length += length + 2;
    }

    private Span<byte> Room(int length)
    {
        if (_buffer.Length - _length < length + 2)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + length + 2));
        return _buffer.AsSpan(_length);
    }
}
