using Runnel.Layers;

namespace Runnel.Sqlite.Tables;

/// <summary>Envelopes as the table holds them.</summary>
internal static class EnvelopeBytes
{
    /// <summary>Decodes a stored message. What changes while it is stored stands in columns, and is written into the bytes.</summary>
    /// <exception cref="FormatException">The bytes are not an envelope of a version known here.</exception>
    public static Envelope Decode(byte[] bytes, int attempt, int crashes, long? expires)
    {
        if (bytes.Length >= EnvelopeFormat.FixedLength)
        {
            EnvelopeFormat.WriteCounters(bytes, attempt, crashes);
            EnvelopeFormat.WriteExpiresAt(bytes, expires is { } time ? new DateTimeOffset(time, TimeSpan.Zero) : null);
        }
        return EnvelopeFormat.Decode(bytes);
    }
}
