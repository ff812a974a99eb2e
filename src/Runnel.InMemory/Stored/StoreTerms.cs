using Runnel.Layers;

namespace Runnel.InMemory.Stored;

/// <summary>What of a message matters at the moment when it is stored, and not afterwards. Most messages have none of it.</summary>
internal sealed record StoreTerms(TimeSpan Delay, TimeSpan? TimeToLive, string? DeduplicationId, TimeSpan DeduplicationWindow)
{
    /// <summary>The terms of a message, if there are any.</summary>
    public static StoreTerms? Of(Envelope envelope) =>
        envelope.DeduplicationId is not null || envelope.Delay > TimeSpan.Zero || envelope.TimeToLive is not null
            ? new StoreTerms(envelope.Delay, envelope.TimeToLive, envelope.DeduplicationId, envelope.DeduplicationWindow)
            : null;
}
