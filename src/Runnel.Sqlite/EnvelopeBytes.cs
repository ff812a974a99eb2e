using Runnel.Layers;

namespace Runnel.Sqlite;

/// <summary>Envelopes as the table holds them.</summary>
internal static class EnvelopeBytes
{
    /// <summary>Decodes a stored message. What changes while it is stored stands in columns, and is written into the bytes.</summary>
    /// <exception cref="FormatException">The bytes are not an envelope of a version known here.</exception>
    public static Envelope Decode(byte[] bytes, int attempt, int crashes, long? expires)
    {
        EnvelopeFormat.WriteCounters(bytes, attempt, crashes);
        EnvelopeFormat.WriteExpiresAt(bytes, expires is { } time ? new DateTimeOffset(time, TimeSpan.Zero) : null);
        return EnvelopeFormat.Decode(bytes);
    }

    /// <summary>Encodes a message that was received, with another body.</summary>
    public static byte[] WithBody(Envelope envelope, ReadOnlyMemory<byte> body) =>
        EnvelopeFormat.Encode(new Envelope(new Message(envelope.Message.Type, body, envelope.Message.Headers), envelope.Kind)
        {
            Id = envelope.Id,
            Channel = envelope.Channel,
            SentAt = envelope.SentAt,
            NotBefore = envelope.NotBefore,
            ExpiresAt = envelope.ExpiresAt,
            Key = envelope.Key,
            DeduplicationId = envelope.DeduplicationId,
            DeduplicationWindow = envelope.DeduplicationWindow,
        });
}
