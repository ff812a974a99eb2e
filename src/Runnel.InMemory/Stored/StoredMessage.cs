using Runnel.Layers;

namespace Runnel.InMemory.Stored;

/// <summary>Where a stored message of the in-memory queue is.</summary>
internal enum StoredState : byte
{
    /// <summary>In line.</summary>
    Ready,

    /// <summary>Not due yet.</summary>
    Scheduled,

    /// <summary>Behind another one of its key.</summary>
    Blocked,

    /// <summary>In a worker's hands.</summary>
    Claimed,

    /// <summary>Finished, taken back, expired, put aside, or given back, whereupon another object stands for it.</summary>
    Gone,
}

/// <summary>One stay of a message in the in-memory queue, from being stored to being settled.</summary>
/// <remarks>
/// A message that is given back becomes a new object. So a worker's token, which is this object, is worth nothing after the claim that it
/// was handed out for, even to the same worker.
/// </remarks>
internal sealed class StoredMessage
{
    private StoredMessage(byte[] bytes) => Bytes = bytes;

    /// <summary>The encoded envelope: the queue's own copy.</summary>
    public byte[] Bytes { get; }

    /// <summary>What matters until it is stored.</summary>
    public StoreTerms? Terms { get; private init; }

    public MessageId Id { get; private init; }

    public string? Key { get; private init; }

    public long SentAt { get; private init; }

    /// <summary>Not to be handed out before; in ticks, since the encoded form rounds down to the millisecond, which would be early.</summary>
    public Moment Due { get; set; }

    public Moment Expires { get; private set; } = Moment.Never;

    public int Attempt { get; private init; }

    public int Crashes { get; private init; }

    public StoredState State { get; set; }

    public LeaseState? Owner { get; set; }

    /// <summary>Its place in line.</summary>
    public long Sequence { get; set; }

    public StoredMessage? Previous { get; set; }

    public StoredMessage? Next { get; set; }

    public TimeHeap<StoredMessage>.Node? Schedule { get; set; }

    public TimeHeap<StoredMessage>.Node? Expiry { get; set; }

    public static StoredMessage Of(Envelope envelope)
    {
        envelope = envelope.Normalised();
        return new StoredMessage(EnvelopeFormat.Encode(envelope))
        {
            Terms = StoreTerms.Of(envelope),
            Id = envelope.Id,
            Key = envelope.Key,
            SentAt = envelope.SentAt.UtcTicks,
            Due = Moment.At(envelope.NotBefore, otherwise: default),
            Expires = Moment.At(envelope.ExpiresAt, otherwise: Moment.Never),
            Attempt = envelope.Attempt,
            Crashes = envelope.Crashes,
        };
    }

    /// <summary>Sets when it expires.</summary>
    /// <param name="moment">When it does.</param>
    /// <param name="timeOfDay">The time of day that its receiver is told, in ticks.</param>
    public void ExpireAt(Moment moment, long timeOfDay)
    {
        Expires = moment;
        EnvelopeFormat.WriteExpiresAt(Bytes, timeOfDay > DateTimeOffset.MaxValue.UtcTicks ? null : new DateTimeOffset(timeOfDay, TimeSpan.Zero));
    }

    /// <summary>The message's next stay after it was a dead letter: as if it had never been tried.</summary>
    public StoredMessage Replayed() => WithoutExpiry(attempt: 0, crashes: 0);

    /// <summary>The message's next stay after its worker has died: it may have been begun in time.</summary>
    public StoredMessage Crashed() => WithoutExpiry(Attempt, Crashes + 1);

    private StoredMessage WithoutExpiry(int attempt, int crashes)
    {
        var again = Again(attempt, crashes);
        again.ExpireAt(Moment.Never, Ticks.Never);
        return again;
    }

    /// <summary>The message's next stay.</summary>
    /// <param name="attempt">How many times a handler ran and failed.</param>
    /// <param name="crashes">How many times a worker died holding it.</param>
    /// <param name="due">When it may be handed out.</param>
    /// <param name="changed">The encoded envelope, if it is another one now.</param>
    public StoredMessage Again(int attempt, int crashes, Moment due = default, byte[]? changed = null)
    {
        var bytes = changed ?? Bytes;
        EnvelopeFormat.WriteCounters(bytes, attempt, crashes);
        return new StoredMessage(bytes)
        {
            Id = Id,
            Key = Key,
            SentAt = SentAt,
            Due = due,
            Expires = Expires,
            Attempt = attempt,
            Crashes = crashes,
            Sequence = Sequence,
        };
    }
}
