using System.Buffers;
using System.Buffers.Text;

namespace Runnel.Redis;

/// <summary>Reads replies (redis.io/docs/latest/develop/reference/protocol-spec, RESP3).</summary>
internal static class RespReader
{
    private const int DeepestNesting = 16;
    private const int LargestPart = 512 * 1024 * 1024; // Redis' own limit

    /// <summary>Reads one reply from the front of what was received, if all of it is there.</summary>
    /// <exception cref="FormatException">This is no RESP: what is at the other end is not Redis.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> received, out RespValue value)
    {
        // Looked through first: a large reply comes in many pieces, and what is not all there must not be copied again and again.
        var reader = new SequenceReader<byte>(received);
        value = default;
        if (!TrySkip(ref reader, 0))
            return false;
        reader = new SequenceReader<byte>(received);
        value = Read(ref reader);
        received = received.Slice(reader.Position);
        return true;
    }

    private static bool TrySkip(ref SequenceReader<byte> reader, int depth)
    {
        if (depth > DeepestNesting)
            throw new FormatException("The reply is nested deeper than any of Redis'.");
        if (!TryReadHead(ref reader, out var type, out var line))
            return false;
        switch (type)
        {
            case (byte)'$' or (byte)'=' or (byte)'!':
                var length = LengthOf(line);
                if (length < 0)
                    return true;
                if (reader.Remaining < length + 2)
                    return false;
                reader.Advance(length + 2);
                return true;
            case (byte)'*' or (byte)'>' or (byte)'~' or (byte)'%' or (byte)'|':
                for (var left = PartsOf(type, line); left > 0; left--)
                {
                    if (!TrySkip(ref reader, depth + 1))
                        return false;
                }
                return type != '|' || TrySkip(ref reader, depth + 1); // attributes stand before what they are about
            default:
                return true;
        }
    }

    private static RespValue Read(ref SequenceReader<byte> reader)
    {
        TryReadHead(ref reader, out var type, out var line);
        switch (type)
        {
            case (byte)'+' or (byte)',' or (byte)'(':
                return RespValue.OfText(line.ToArray());
            case (byte)'-':
                return RespValue.OfError(line.ToArray());
            case (byte)':':
                return RespValue.OfNumber(NumberOf(line));
            case (byte)'#':
                return RespValue.OfNumber(line.FirstSpan[0] == 't' ? 1 : 0);
            case (byte)'_':
                return default;
            case (byte)'$':
                return LengthOf(line) is >= 0 and var length ? RespValue.OfText(ReadBytes(ref reader, length)) : default;
            case (byte)'=': // three letters and a colon say what kind of text it is
                return RespValue.OfText(ReadBytes(ref reader, LengthOf(line))[4..]);
            case (byte)'!':
                return RespValue.OfError(ReadBytes(ref reader, LengthOf(line)));
            case (byte)'|':
                for (var left = PartsOf(type, line); left > 0; left--)
                    Read(ref reader);
                return Read(ref reader);
            case (byte)'*' or (byte)'>' or (byte)'~' or (byte)'%':
                if (PartsOf(type, line) is not (>= 0 and var parts))
                    return default;
                var items = new RespValue[parts];
                for (var i = 0; i < items.Length; i++)
                    items[i] = Read(ref reader);
                return RespValue.OfList(items, type == '>');
            default:
                throw NotRedis(type);
        }
    }

    private static bool TryReadHead(ref SequenceReader<byte> reader, out byte type, out ReadOnlySequence<byte> line)
    {
        line = default;
        if (!reader.TryRead(out type))
            return false;
        if (!"+-:$*_#,(=!%~>|"u8.Contains(type))
            throw NotRedis(type);
        return reader.TryReadTo(out line, "\r\n"u8);
    }

    private static byte[] ReadBytes(ref SequenceReader<byte> reader, int length)
    {
        var bytes = new byte[length];
        reader.TryCopyTo(bytes);
        reader.Advance(length + 2);
        return bytes;
    }

    private static int LengthOf(ReadOnlySequence<byte> line) => NumberOf(line) is >= -1 and <= LargestPart and var length
        ? (int)length
        : throw new FormatException("The reply has a part that is larger than Redis allows.");

    private static int PartsOf(byte type, ReadOnlySequence<byte> line) => type is (byte)'%' or (byte)'|' ? 2 * LengthOf(line) : LengthOf(line);

    private static long NumberOf(ReadOnlySequence<byte> line)
    {
        Span<byte> copy = stackalloc byte[20];
        if (line.Length is 0 or > 20)
            throw new FormatException("The reply has a number that is none.");
        line.CopyTo(copy);
        return Utf8Parser.TryParse(copy[..(int)line.Length], out long number, out var used) && used == line.Length
            ? number
            : throw new FormatException("The reply has a number that is none.");
    }

    private static FormatException NotRedis(byte type) => new($"The answer begins with the byte {type}, as none of Redis' does.");
}
