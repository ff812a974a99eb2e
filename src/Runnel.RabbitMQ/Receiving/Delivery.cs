using Runnel.Layers;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>A message that the broker has handed to this worker, until it is settled.</summary>
internal sealed class Delivery
{
    public Delivery(QueueConsumer consumer, ulong tag, StoredMessage message, long returns)
    {
        (Consumer, Tag, Message, Returns) = (consumer, tag, message, returns);
        Envelope = EnvelopeFormat.Decode(message.Bytes);
        if (returns <= 0)
            return;
        // It may have been begun in time, and what was begun is not lost.
        Count(Envelope.Crashes + (int)Math.Min(returns, ushort.MaxValue), Envelope.Attempt);
    }

    public QueueConsumer Consumer { get; }

    public ulong Tag { get; }

    public Envelope Envelope { get; private set; }

    /// <summary>Whether it is taken out of its key's lane, to be settled or given back.</summary>
    public bool IsTaken { get; set; }

    /// <summary>The message as it is stored anew.</summary>
    public StoredMessage Message { get; private set; }

    /// <summary>From when on it may be handed out, as a timestamp of the clock.</summary>
    public long Due { get; set; }

    /// <summary>How often it has come back to its queue.</summary>
    public long Returns { get; }

    /// <summary>Whether it has a body of its own for the next attempt, or was put off, so that what its queue has is older.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Whether its next death is noted.</summary>
    public bool IsNoted { get; set; }

    /// <summary>What is known of it if it comes back to its queue.</summary>
    /// <param name="isDeath">Whether that is a death.</param>
    public (MessageId Id, MessageNote Note) NoteOf(bool isDeath) => (Envelope.Id, new(Returns + 1, Envelope.Crashes + (isDeath ? 1 : 0), Envelope.Attempt));

    /// <summary>Counts by what is known of it. Of what is not known it counts one death: all that the dead worker held came back, and it may have been begun.</summary>
    public void Count(MessageNote? known) => Count((known?.Crashes ?? 0) + (known is { } note && Returns <= note.Returns ? 0 : 1), known?.Attempts ?? Envelope.Attempt);

    /// <summary>The message with an attempt more, or with another body: a copy.</summary>
    public StoredMessage Changed(bool countsAttempt, ReadOnlyMemory<byte>? body)
    {
        byte[] bytes = body is { } other ? EnvelopeFormat.ReplaceBody(Message.Bytes, other.Span) : [.. Message.Bytes];
        EnvelopeFormat.WriteCounters(bytes, Envelope.Attempt + (countsAttempt ? 1 : 0), Envelope.Crashes);
        EnvelopeFormat.WriteExpiresAt(bytes, Envelope.ExpiresAt);
        return Message with { Bytes = bytes };
    }

    /// <summary>From now on it is the changed one.</summary>
    public void Change(StoredMessage changed) => (Message, Envelope) = (changed, EnvelopeFormat.Decode(changed.Bytes));

    /// <summary>The message as its next worker has to get it.</summary>
    /// <param name="putOff">For how long it still has to stay away.</param>
    /// <param name="now">The time.</param>
    public byte[] AsItIsLeft(TimeSpan putOff, DateTimeOffset now)
    {
        byte[] bytes = [.. Message.Bytes];
        if (putOff > TimeSpan.Zero)
            EnvelopeFormat.WriteNotBefore(bytes, now + putOff);
        return bytes;
    }

    /// <summary>It is as its last worker left it.</summary>
    public void GoOnFrom(byte[] left)
    {
        Change(Message with { Bytes = [.. left] });
        IsChanged = true;
    }

    private void Count(int crashes, int attempts)
    {
        crashes = Math.Min(crashes, ushort.MaxValue);
        Envelope = Envelope with { Crashes = crashes, Attempt = attempts, ExpiresAt = crashes > 0 ? null : EnvelopeFormat.Decode(Message.Bytes).ExpiresAt };
        EnvelopeFormat.WriteCounters(Message.Bytes, attempts, crashes);
    }
}
