using Runnel.Layers.Messages;

namespace Runnel.Layers;

/// <summary>A message with what the layers have to know of it: identity, times, counters, ordering key. Immutable.</summary>
/// <remarks>
/// <see cref="EnvelopeFormat"/> is its binary form, the same on every layer. <see cref="Delay"/> and <see cref="TimeToLive"/> are not part of it: they tell
/// the layer what to store.
/// </remarks>
public sealed record Envelope
{
    private readonly OptionalTime _sentAt;
    private readonly OptionalTime _notBefore;
    private readonly OptionalTime _expiresAt;

    /// <summary>Creates an envelope around a message.</summary>
    public Envelope(Message message, EnvelopeKind kind = EnvelopeKind.Message)
    {
        ArgumentNullException.ThrowIfNull(message);
        Message = message;
        Kind = kind;
    }

    /// <summary>The message.</summary>
    public Message Message { get; }

    /// <summary>Whether the message is for code or for the clients.</summary>
    public EnvelopeKind Kind { get; }

    /// <summary>The message's identity on a channel; empty on messages to a group.</summary>
    public MessageId Id { get; init; }

    /// <summary>The full channel name that it was sent to; <see langword="null"/> on messages to a group.</summary>
    /// <remarks>All channels of one process share a queue, so the name travels with the message.</remarks>
    public ChannelName? Channel { get; init; }

    /// <summary>When it was sent, by the clock of the sender or of the layer, to the millisecond.</summary>
    public DateTimeOffset SentAt
    {
        get => _sentAt.Value ?? default;
        init => _sentAt = new(value);
    }

    /// <summary>Not to be handled before this time of the layer's clock, to the millisecond; <see langword="null"/>: at once.</summary>
    public DateTimeOffset? NotBefore
    {
        get => _notBefore.Value;
        init => _notBefore = new(value);
    }

    /// <summary>Not to be handled for so long after the layer has stored it; zero: <see cref="NotBefore"/> counts.</summary>
    /// <remarks>The layer counts it by its own clock, so that a sender whose clock is wrong is neither early nor late. A received message has none.</remarks>
    public TimeSpan Delay { get; init; }

    /// <summary>Not to be handed out after this time of the layer's clock, to the millisecond; <see langword="null"/>: kept until handled.</summary>
    /// <remarks>When its worker dies, a message no longer expires: it may have been begun in time, and what was begun is not lost.</remarks>
    public DateTimeOffset? ExpiresAt
    {
        get => _expiresAt.Value;
        init => _expiresAt = new(value);
    }

    /// <summary>How long after the layer has stored it the message expires; <see langword="null"/>: <see cref="ExpiresAt"/> counts.</summary>
    /// <remarks>The layer counts it by its own clock. A received message has none: its <see cref="ExpiresAt"/> says when it expires.</remarks>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>Messages of one channel with the same key are handled one after another in the order sent; <see langword="null"/>: in no order.</summary>
    public string? Key { get; init; }

    /// <summary>A second message of the channel with the same value is refused within <see cref="DeduplicationWindow"/>.</summary>
    public string? DeduplicationId { get; init; }

    /// <summary>How long <see cref="DeduplicationId"/> is remembered, to the millisecond.</summary>
    public TimeSpan DeduplicationWindow { get; init; }

    /// <summary>How many times a worker tried to handle it and failed, on a dead letter the last time included; at most 65,535.</summary>
    public int Attempt { get; init; }

    /// <summary>How many times a worker died or lost its lease while it held the message; at most 65,535. Such a run is no attempt.</summary>
    public int Crashes { get; init; }

    /// <summary>
    /// The envelope as a work queue stores it: an empty <see cref="Key"/> counts as no key, and a <see cref="DeduplicationId"/> that is empty or is not remembered counts as no id.
    /// For authors of layers: <see cref="IWorkQueue.EnqueueAsync"/> begins with it.
    /// </summary>
    /// <returns>Almost always the same object.</returns>
    /// <exception cref="ArgumentException">It has no <see cref="Id"/>.</exception>
    public Envelope Normalised()
    {
        if (Id == default)
            throw new ArgumentException($"The message '{Message.Type}' has no id; a message on a channel needs one: MessageId.New.");
        var isRemembered = DeduplicationId is { Length: > 0 } && DeduplicationWindow > TimeSpan.Zero;
        if (Key is not "" && (isRemembered || (DeduplicationId is null && DeduplicationWindow == TimeSpan.Zero)))
            return this;
        return this with
        {
            Key = Key is "" ? null : Key,
            DeduplicationId = isRemembered ? DeduplicationId : null,
            DeduplicationWindow = isRemembered ? DeduplicationWindow : TimeSpan.Zero,
        };
    }
}
