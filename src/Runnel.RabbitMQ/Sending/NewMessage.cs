using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>A message to be stored, a copy of everything, and its times: they count from when there is room for it.</summary>
internal sealed class NewMessage
{
    private readonly StoredMessage _message;
    private readonly DateTimeOffset? _notBefore;
    private readonly TimeSpan _delay;
    private readonly TimeSpan? _timeToLive;

    /// <exception cref="ArgumentException">The message has no id, or more than this queue can keep.</exception>
    /// <exception cref="MessageTooLargeException">It is larger than the broker takes.</exception>
    public NewMessage(Envelope envelope, ChannelName channel, int mostBytes)
    {
        envelope = envelope.Normalised();
        if (envelope.DeduplicationId is not null)
            throw new NotSupportedException($"RabbitMQ cannot refuse duplicates, but a message to channel '{channel}' has a DeduplicationId. Let another layer remember it (--state-layer), or leave the id out.");
        var size = EnvelopeFormat.Measure(envelope);
        if (size > mostBytes)
            throw new MessageTooLargeException($"channel '{channel}'", size, mostBytes);
        _message = StoredMessage.Of(envelope);
        (Key, _notBefore, _delay, _timeToLive) = (envelope.Key, envelope.NotBefore, envelope.Delay, envelope.TimeToLive);
    }

    public string? Key { get; }

    /// <summary>For how long a message without a key stays away, in milliseconds, and otherwise 0: one with a key waits where it is, since later ones of its key wait behind it.</summary>
    public long LeftAt(DateTimeOffset now) => Key is not null ? 0 : DelayLadder.MillisecondsOf(_delay > TimeSpan.Zero ? _delay : _notBefore - now ?? TimeSpan.Zero);

    /// <summary>The message, its times counted from now.</summary>
    public StoredMessage StoredAt(DateTimeOffset now)
    {
        if (_timeToLive is { } life)
            EnvelopeFormat.WriteExpiresAt(_message.Bytes, life < DateTimeOffset.MaxValue - now ? now + life : null);
        if (Key is not null && _delay > TimeSpan.Zero)
            EnvelopeFormat.WriteNotBefore(_message.Bytes, _delay < DateTimeOffset.MaxValue - now - TimeSpan.FromSeconds(1) ? now + _delay + TimeSpan.FromMilliseconds(1) : null);
        return _message;
    }
}
