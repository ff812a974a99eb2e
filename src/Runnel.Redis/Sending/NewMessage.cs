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
        IsPlain = DeduplicationName.Length == 0 && envelope is { Key: null, ExpiresAt: null, TimeToLive: null, NotBefore: null, Delay.Ticks: <= 0 };
    }

    public MessageId Id { get; }

    public byte[] Entry { get; }

    public byte[] DeduplicationName { get; } = [];

    /// <summary>For how long the name is remembered, in microseconds.</summary>
    public long Window { get; }

    /// <summary>Whether it only has to get in line.</summary>
    public bool IsPlain { get; }
}
