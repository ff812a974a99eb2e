using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Runnel.Layers;

/// <summary>The identity of a message on a channel, and of the job that it starts: 16 bytes, ordered by time (UUID version 7, RFC 9562 §5.7).</summary>
/// <param name="Value">The identity.</param>
public readonly record struct MessageId(Guid Value)
{
    private const int Size = 16, TimeBytes = 6, RandomBytes = Size - TimeBytes, Stock = 400 * RandomBytes;

    // A system call for each identity would cost more than all the rest of sending a message; one fetches 400.
    [ThreadStatic]
    private static byte[]? _random;

    [ThreadStatic]
    private static int _randomUsed;

    /// <summary>Makes a new one at the clock's present time.</summary>
    public static MessageId New(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteInt64BigEndian(bytes, timeProvider.GetUtcNow().ToUnixTimeMilliseconds() << 16);
        FillRandom(bytes[TimeBytes..]);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70); // version 7
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80); // the variant of RFC 9562
        return new(new Guid(bytes, bigEndian: true));
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(string? text, out MessageId id)
    {
        var ok = Guid.TryParseExact(text, "N", out var value);
        id = new MessageId(value);
        return ok;
    }

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("N");

    // From the system's secure source, so that an identity cannot be guessed from others.
    private static void FillRandom(Span<byte> bytes)
    {
        if (_random is null || _randomUsed == Stock)
        {
            RandomNumberGenerator.Fill(_random ??= new byte[Stock]);
            _randomUsed = 0;
        }
        var taken = _random.AsSpan(_randomUsed, RandomBytes);
        taken.CopyTo(bytes);
        taken.Clear();
        _randomUsed += RandomBytes;
    }
}
