using Runnel.Layers;

namespace Runnel.Sqlite;

/// <summary>Envelopes as the table holds them.</summary>
internal static class EnvelopeBytes
{
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
