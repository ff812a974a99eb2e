namespace Runnel;

/// <summary>How a message is put on a channel.</summary>
public sealed record SendOptions
{
    /// <summary>How long the message waits before it is due. Not together with <see cref="NotBefore"/>.</summary>
    /// <value>Zero by default: due at once.</value>
    public TimeSpan Delay { get; init; }

    /// <summary>When the message is due, at the earliest. Not together with <see cref="Delay"/>.</summary>
    /// <value><see langword="null"/> by default: due at once.</value>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Messages of one channel with the same key are handled one after another, in the order sent, also across retries.</summary>
    /// <remarks>The channel must be declared <c>Ordered</c> (<c>MapChannel</c>, <c>AddChannel</c>), or the message is refused.</remarks>
    /// <value><see langword="null"/> by default: in no particular order.</value>
    public string? Key { get; init; }

    /// <summary>A second message on the channel with the same value within <see cref="DeduplicationWindow"/> is not stored.</summary>
    /// <remarks>The channel must be declared <c>Deduplicate</c> (<c>MapChannel</c>, <c>AddChannel</c>), or the message is refused.</remarks>
    /// <value><see langword="null"/> by default: every message is stored.</value>
    public string? DeduplicationId { get; init; }

    /// <summary>How long <see cref="DeduplicationId"/> is remembered, also after the message was handled.</summary>
    /// <value>10 minutes by default.</value>
    public TimeSpan DeduplicationWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long the message may wait unhandled; after that it is dropped, and counted.</summary>
    /// <value><see langword="null"/> by default: it is kept until it is handled.</value>
    public TimeSpan? Expiry { get; init; }

    /// <summary>Who owns the job, such as a user's id. It is kept with the job's state and not shown to clients. Your application decides by it who may see the job.</summary>
    /// <value><see langword="null"/> by default: the job has no owner.</value>
    public string? Owner { get; init; }

    /// <summary>Marks of your own, such as a tenant. They are kept with the job's state beside <see cref="Owner"/>, and not shown to clients.</summary>
    /// <value>None by default.</value>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Headers to send along.</summary>
    /// <value>None by default.</value>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
}
