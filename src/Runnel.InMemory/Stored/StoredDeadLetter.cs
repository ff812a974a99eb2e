using Runnel.Layers;

namespace Runnel.InMemory.Stored;

/// <summary>A dead letter of the in-memory queue.</summary>
internal sealed class StoredDeadLetter(StoredMessage message, DeadLetterReason reason, string? error, long timeOfDay, long forgetAt)
{
    public StoredMessage Message { get; } = message;

    public long ForgetAt { get; } = forgetAt;

    public DeadLetter Open(ChannelName channel) =>
        new(channel, EnvelopeFormat.Decode(Message.Bytes), reason, error, new DateTimeOffset(timeOfDay, TimeSpan.Zero));
}
