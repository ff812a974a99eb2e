using Runnel.Layers;

namespace Runnel.Tests.Recording;

/// <summary>What a queue makes that waits before it stores: the memory of the bodies is the sender's again when it has the task.</summary>
internal static class EnvelopeCopies
{
    public static IReadOnlyList<Envelope> Copied(this IReadOnlyList<Envelope> envelopes) => [.. envelopes.Select(Copied)];

    private static Envelope Copied(Envelope envelope) => new(new Message(envelope.Message.Type, envelope.Message.Body.ToArray(), envelope.Message.Headers), envelope.Kind)
    {
        Id = envelope.Id,
        Channel = envelope.Channel,
        SentAt = envelope.SentAt,
        NotBefore = envelope.NotBefore,
        Delay = envelope.Delay,
        ExpiresAt = envelope.ExpiresAt,
        TimeToLive = envelope.TimeToLive,
        Key = envelope.Key,
        DeduplicationId = envelope.DeduplicationId,
        DeduplicationWindow = envelope.DeduplicationWindow,
        Attempt = envelope.Attempt,
        Crashes = envelope.Crashes,
    };
}
