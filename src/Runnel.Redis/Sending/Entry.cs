using System.Buffers.Binary;
using Runnel.Layers;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Sending;

/// <summary>A message as a channel's scripts see it: what they decide by stands before the envelope, in the clear.</summary>
/// <remarks>
/// Scripts/channel.lua reads and patches the same layout: 1 byte flags, 2 attempts, 2 crashes, 8 sent (ms), 8 due (µs), 8 expires (µs), 1 length of
/// the key's name, that name, the envelope; little-endian. The counters and the expiry here are those that count, not those in the envelope. Of a message
/// on its way into Redis, "due" and "expires" may count from when it is stored; its flags say so.
/// </remarks>
internal static class Entry
{
    private const int AttemptsAt = 1, CrashesAt = 3, SentAt = 5, DueAt = 13, ExpiresAt = 21, KeyLengthAt = 29, KeyAt = 30;
    private const byte HasKey = 1, DueAfter = 2, Expires = 4, ExpiresAfter = 8;

    public static byte[] Encode(Envelope envelope, Sealing sealing, string place)
    {
        var payload = sealing.IsOn ? sealing.Seal(EnvelopeFormat.Encode(envelope), place) : default;
        var key = KeyOf(envelope, sealing);
        var entry = new byte[KeyAt + key.Length + (sealing.IsOn ? payload.Length : EnvelopeFormat.Measure(envelope))];
        var span = entry.AsSpan();
        var due = envelope.Delay > TimeSpan.Zero ? Microseconds(envelope.Delay) : Microseconds(envelope.NotBefore);
        var expires = envelope.TimeToLive is { } life ? Microseconds(life) : Microseconds(envelope.ExpiresAt);
        span[0] = FlagsOf(envelope, key);
        BinaryPrimitives.WriteUInt16LittleEndian(span[AttemptsAt..], (ushort)envelope.Attempt);
        BinaryPrimitives.WriteUInt16LittleEndian(span[CrashesAt..], (ushort)envelope.Crashes);
        BinaryPrimitives.WriteInt64LittleEndian(span[SentAt..], envelope.SentAt == default ? 0 : envelope.SentAt.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64LittleEndian(span[DueAt..], due);
        BinaryPrimitives.WriteInt64LittleEndian(span[ExpiresAt..], expires);
        span[KeyLengthAt] = (byte)key.Length;
        key.CopyTo(span[KeyAt..]);
        if (sealing.IsOn)
            payload.Span.CopyTo(span[(KeyAt + key.Length)..]);
        else
            EnvelopeFormat.Encode(envelope, span[(KeyAt + key.Length)..]); // at its place, which saves a copy
        return entry;
    }

    /// <exception cref="FormatException">The bytes are not an entry, or cannot be opened.</exception>
    public static Envelope Decode(ReadOnlyMemory<byte> entry, Sealing sealing, string place)
    {
        var span = entry.Span;
        if (!IsWhole(span))
            throw new FormatException($"An entry of '{place}' in Redis is too short to be one.");
        var envelope = EnvelopeFormat.Decode(sealing.Open(entry[(KeyAt + span[KeyLengthAt])..], place));
        var expires = (span[0] & Expires) == 0 ? (DateTimeOffset?)null : TimeOf(BinaryPrimitives.ReadInt64LittleEndian(span[ExpiresAt..]));
        var (attempt, crashes) = (BinaryPrimitives.ReadUInt16LittleEndian(span[AttemptsAt..]), BinaryPrimitives.ReadUInt16LittleEndian(span[CrashesAt..]));
        return envelope.ExpiresAt == expires && envelope.Attempt == attempt && envelope.Crashes == crashes
            ? envelope // mostly: spared a copy
            : envelope with { ExpiresAt = expires, Attempt = attempt, Crashes = crashes };
    }

    /// <summary>The key's name, as the entry has it; empty if the message has no key, or the bytes are not an entry.</summary>
    public static ReadOnlyMemory<byte> KeyOf(ReadOnlyMemory<byte> entry) => IsWhole(entry.Span) ? entry.Slice(KeyAt, entry.Span[KeyLengthAt]) : default;

    /// <summary>A time in microseconds since 1970, rounded up: nothing is early. 0 for none.</summary>
    public static long Microseconds(DateTimeOffset? time) => time is { } value
        ? (value.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks + TimeSpan.TicksPerMicrosecond - 1) / TimeSpan.TicksPerMicrosecond
        : 0;

    private static long Microseconds(TimeSpan time) => (long)Math.Ceiling(time.TotalMicroseconds);

    // To the millisecond, as in the envelope.
    private static DateTimeOffset TimeOf(long microseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(microseconds / 1000, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private static byte FlagsOf(Envelope envelope, byte[] key) => (byte)((key.Length > 0 ? HasKey : 0)
        | (envelope.Delay > TimeSpan.Zero ? DueAfter : 0)
        | (envelope.ExpiresAt is null && envelope.TimeToLive is null ? 0 : Expires)
        | (envelope.TimeToLive is null ? 0 : ExpiresAfter));

    private static bool IsWhole(ReadOnlySpan<byte> entry) => entry.Length >= KeyAt && entry.Length >= KeyAt + entry[KeyLengthAt];

    private static byte[] KeyOf(Envelope envelope, Sealing sealing) => envelope.Key is { } key ? sealing.NameOf(key) : [];
}
