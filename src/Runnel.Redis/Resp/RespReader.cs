using System.Buffers;
using System.Buffers.Text;

namespace Runnel.Redis.Resp;

/// <summary>Reads replies (redis.io/docs/latest/develop/reference/protocol-spec, RESP3).</summary>
internal static class RespReader
{
    private const int DeepestNesting = 16;
    private const int LargestPart = 512 * 1024 * 1024; // Redis' own limit
    private const int LongestLine = 64 * 1024;
    private const int KindLength = 4; // three letters and a colon say what kind of text it is

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
                var length = LengthOf(type, line);
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
                return RespValue.OfNumber(IsTrue(line) ? 1 : 0);
            case (byte)'_':
                return default;
            case (byte)'$':
                return LengthOf(type, line) is >= 0 and var length ? RespValue.OfText(ReadBytes(ref reader, length)) : default;
            case (byte)'=':
                return RespValue.OfText(ReadBytes(ref reader, LengthOf(type, line))[KindLength..]);
            case (byte)'!':
                return RespValue.OfError(ReadBytes(ref reader, LengthOf(type, line)));
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
        if (reader.TryReadTo(out line, "\r\n"u8))
            return true;
        return reader.Remaining <= LongestLine ? false : throw new FormatException("The reply has a line that does not end.");
    }

    private static byte[] ReadBytes(ref SequenceReader<byte> reader, int length)
    {
        var bytes = new byte[length];
        reader.TryCopyTo(bytes);
        reader.Advance(length);
        return reader.IsNext("\r\n"u8, advancePast: true) ? bytes : throw new FormatException("The reply has a part that is longer than it says.");
    }

    private static int LengthOf(byte type, ReadOnlySequence<byte> line)
    {
        var least = type switch
        {
            (byte)'$' or (byte)'*' => -1, // there is nothing
            (byte)'=' => KindLength,
            _ => 0,
        };
        return NumberOf(line) is var length && length >= least && length <= LargestPart
            ? (int)length
            : throw new FormatException("The reply has a part of a length that Redis does not allow.");
    }

    private static int PartsOf(byte type, ReadOnlySequence<byte> line) => type is (byte)'%' or (byte)'|' ? 2 * LengthOf(type, line) : LengthOf(type, line);

    private static bool IsTrue(ReadOnlySequence<byte> line) => line.ToArray() switch
    {
        [(byte)'t'] => true,
        [(byte)'f'] => false,
        _ => throw new FormatException("The reply is neither true nor false."),
    };

    private static long NumberOf(ReadOnlySequence<byte> line)
    {
        Span<byte> copy = stackalloc byte[20];
        if (line.Length is 0 or > 20)
            throw new FormatException("The reply has an invalid number.");
        line.CopyTo(copy);
        return Utf8Parser.TryParse(copy[..(int)line.Length], out long number, out var used) && used == line.Length
            ? number
            : throw new FormatException("The reply has an invalid number.");
    }

    private static FormatException NotRedis(byte type) => new($"The answer begins with the byte {type}, as none of Redis' does.");
}
