namespace Runnel.Layers;

/// <summary>A channel is at its capacity: the message was refused, nothing was stored. Send again later, or let the channel have more room.</summary>
public sealed class ChannelFullException : Exception
{
    /// <summary>Creates the exception for a channel.</summary>
    public ChannelFullException(ChannelName channel, int capacity)
        : base($"Channel '{channel}' is full: it holds {capacity} messages, its capacity. Send again when its consumers have caught up, wait for room, or raise its capacity.")
    {
        Channel = channel;
        Capacity = capacity;
    }

    /// <summary>The channel that is full.</summary>
    public ChannelName Channel { get; }

    /// <summary>How many messages it holds at most.</summary>
    public int Capacity { get; }
}
