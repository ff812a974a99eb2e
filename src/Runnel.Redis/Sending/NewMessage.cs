using Runnel.Layers;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Sending;

/// <summary>A message on its way into a channel.</summary>
internal sealed class NewMessage
{
    public NewMessage(ChannelName channel, Envelope envelope, Sealing sealing)
    {
        envelope = envelope.Normalised();
        Id = envelope.Id;
        Entry = Sending.Entry.Encode(envelope, sealing, channel.Value);
        if (envelope.DeduplicationId is { } id)
            (DeduplicationName, Window) = (sealing.NameOf(id), (long)Math.Ceiling(envelope.DeduplicationWindow.TotalMicroseconds));
        Weight = 1 + Count(DeduplicationName.Length > 0) + Count(envelope.Key is not null)
            + Count(envelope is not { ExpiresAt: null, TimeToLive: null }) + Count(envelope is not { NotBefore: null, Delay.Ticks: <= 0 });
    }

    public MessageId Id { get; }

    public byte[] Entry { get; }

    public byte[] DeduplicationName { get; } = [];

    /// <summary>For how long the name is remembered, in microseconds.</summary>
    public long Window { get; }

    /// <summary>About how long Redis needs to store it, as a multiple of a message that only has to get in line: one more for each other place that it is put in.</summary>
    public int Weight { get; }

    private static int Count(bool isThere) => isThere ? 1 : 0;
}
