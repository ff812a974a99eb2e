namespace Runnel.Layers.Messages;

/// <summary>Unsigned integers in seven-bit groups, lowest first (DWARF's LEB128): small numbers take one byte.</summary>
internal static class Leb128
{
    public static int Length(ulong value)
    {
        var length = 1;
        while ((value >>= 7) != 0)
            length++;
        return length;
    }

    public static void Write(ref Span<byte> span, ulong value)
    {
        var at = 0;
        for (; value >= 0x80; value >>= 7)
            span[at++] = (byte)(value | 0x80);
        span[at++] = (byte)value;
        span = span[at..];
    }

    public static ulong Read(ref ReadOnlySpan<byte> span)
    {
        ulong value = 0;
        for (var (at, shift) = (0, 0); at < span.Length && shift < 63; at++, shift += 7)
        {
            value |= (ulong)(span[at] & 0x7f) << shift;
            if (span[at] < 0x80)
            {
                span = span[(at + 1)..];
                return value;
            }
        }
        throw new FormatException("The envelope ends in the middle of a number, or has one too large.");
    }
}
