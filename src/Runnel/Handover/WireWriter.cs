using System.Buffers;
using System.Text;

namespace Runnel.Handover;

/// <summary>Writes what goes between the two halves of a connection: numbers in seven-bit groups (LEB128), texts and bytes with their length.</summary>
internal readonly ref struct WireWriter(IBufferWriter<byte> output)
{
    private const int LongestNumber = 10;

    public void Byte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    public void Number(long value)
    {
        var span = output.GetSpan(LongestNumber);
        var (left, at) = ((ulong)value, 0);
        for (; left >= 0x80; left >>= 7)
            span[at++] = (byte)(left | 0x80);
        span[at++] = (byte)left;
        output.Advance(at);
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number(value.Length);
        output.Write(value);
    }

    public void Text(string? value) => Bytes(Encoding.UTF8.GetBytes(value ?? ""));

    /// <summary>The last bytes of an item need no length.</summary>
    public void Rest(ReadOnlySpan<byte> value) => output.Write(value);
}
