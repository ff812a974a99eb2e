using System.Buffers.Text;
using System.Text;

namespace Runnel.Bench;

/// <summary>An answer of Redis: a number, or bytes (a status, too), or several answers, or nothing.</summary>
internal readonly record struct RespReply(long Number, byte[]? Bytes = null, RespReply[]? Items = null)
{
    public string Text => Encoding.UTF8.GetString(Bytes!);

    /// <summary>Takes the first answer out of what has been received.</summary>
    /// <returns>False when it is not whole yet; nothing is taken then.</returns>
    /// <exception cref="BenchException">The answer is an error.</exception>
    public static bool TryTake(ref ReadOnlySpan<byte> received, out RespReply reply)
    {
        var rest = received;
        if (!TryRead(ref rest, out reply))
            return false;
        received = rest;
        return true;
    }

    private static bool TryRead(ref ReadOnlySpan<byte> rest, out RespReply reply)
    {
        reply = default;
        var end = rest.IndexOf("\r\n"u8);
        if (end < 0)
            return false;
        var kind = rest[0];
        var line = rest[1..end];
        rest = rest[(end + 2)..];
        switch (kind)
        {
            case (byte)'+':
                reply = new RespReply(0, line.ToArray());
                return true;
            case (byte)':':
                reply = new RespReply(NumberIn(line));
                return true;
            case (byte)'$':
                return TryReadBytes(ref rest, (int)NumberIn(line), out reply);
            case (byte)'*':
                return TryReadItems(ref rest, (int)NumberIn(line), out reply);
            default:
                throw new BenchException($"Redis answered: {Encoding.UTF8.GetString(line)}");
        }
    }

    private static bool TryReadBytes(ref ReadOnlySpan<byte> rest, int length, out RespReply reply)
    {
        reply = default;
        if (length < 0)
            return true;
        if (rest.Length < length + 2)
            return false;
        reply = new RespReply(0, rest[..length].ToArray());
        rest = rest[(length + 2)..];
        return true;
    }

    private static bool TryReadItems(ref ReadOnlySpan<byte> rest, int count, out RespReply reply)
    {
        reply = default;
        var items = new RespReply[Math.Max(count, 0)];
        for (var i = 0; i < items.Length; i++)
        {
            if (!TryRead(ref rest, out items[i]))
                return false;
        }
        reply = new RespReply(0, Items: items);
        return true;
    }

    private static long NumberIn(ReadOnlySpan<byte> line) =>
        Utf8Parser.TryParse(line, out long number, out _) ? number : throw new BenchException("Redis does not speak like this.");
}
