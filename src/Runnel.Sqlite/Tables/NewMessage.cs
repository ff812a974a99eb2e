using Runnel.Layers;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>A message on its way into the table, encoded on its sender's thread.</summary>
internal sealed class NewMessage
{
    private readonly TimeSpan _delay;
    private readonly TimeSpan? _timeToLive;

    private NewMessage(byte[] bytes, TimeSpan delay, TimeSpan? timeToLive) => (Bytes, _delay, _timeToLive) = (bytes, delay, timeToLive);

    public byte[] Bytes { get; }

    public MessageId Id { get; private init; }

    public string? Key { get; private init; }

    public string? DeduplicationId { get; private init; }

    public TimeSpan DeduplicationWindow { get; private init; }

    public long Due { get; private set; }

    public long? Expires { get; private set; }

    public long Sent { get; private init; }

    public int Attempt { get; private init; }

    public int Crashes { get; private init; }

    public static NewMessage Of(Envelope envelope)
    {
        envelope = envelope.Normalised();
        return new NewMessage(EnvelopeFormat.Encode(envelope), envelope.Delay, envelope.TimeToLive)
        {
            Id = envelope.Id,
            Key = envelope.Key,
            DeduplicationId = envelope.DeduplicationId,
            DeduplicationWindow = envelope.DeduplicationWindow,
            Due = envelope.NotBefore?.UtcTicks ?? 0,
            Expires = envelope.ExpiresAt?.UtcTicks,
            Sent = envelope.SentAt.UtcTicks,
            Attempt = envelope.Attempt,
            Crashes = envelope.Crashes,
        };
    }

    /// <summary>Times that count from when the message is stored begin now, and anew if the transaction is rolled back and repeated.</summary>
    public void Begin(long now)
    {
        if (_delay > TimeSpan.Zero)
            Due = Ticks.Later(now, _delay);
        if (_timeToLive is { } life)
            Expires = Ticks.Later(now, life);
    }
}
