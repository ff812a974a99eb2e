using Runnel.Layers;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Sending;

/// <summary>Messages that are to be stored together; the result is how many were.</summary>
internal sealed class EnqueueRequest : TaskCompletionSource<int>
{
    public EnqueueRequest(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, Sealing sealing)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        Options = options;
        Messages = new NewMessage[envelopes.Count];
        IsPlain = true;
        for (var i = 0; i < Messages.Length; i++)
        {
            var message = Messages[i] = new NewMessage(channel, envelopes[i], sealing);
            IsPlain &= message.IsPlain;
            Bytes += message.Entry.Length;
        }
    }

    public EnqueueOptions Options { get; }

    public NewMessage[] Messages { get; }

    /// <summary>Whether nothing about any of them has to be looked at.</summary>
    public bool IsPlain { get; }

    public int Bytes { get; }

    /// <summary>When it was made, as a timestamp of the clock: what its wait for room counts from.</summary>
    public long Since { get; init; }

    /// <summary>When its call began, as a timestamp of the system's clock: what its wait for Redis counts from.</summary>
    public long HandedIn { get; init; }

    /// <summary>Whether it waits when there is no room. What is larger than the channel never gets any.</summary>
    public bool MayWaitForRoom => Options.WaitForRoom > TimeSpan.Zero && Messages.Length <= Options.Capacity;

    /// <summary>Its place among all of the line.</summary>
    public long Order { get; set; }

    /// <summary>Ends the wait for room; <see langword="null"/> while it has not begun.</summary>
    public ITimer? Limit { get; set; }
}
