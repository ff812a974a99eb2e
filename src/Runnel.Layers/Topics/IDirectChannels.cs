namespace Runnel.Layers;

/// <summary>Channels of single processes, which the broker finds by the first part of their names: <c>process!channel</c>. Programs that are not Runnel may have some, too.</summary>
/// <remarks>At most once, in the order of each sender. A layer that has this beside its backplane carries <c>IChannelLayer</c> with it, and needs no work queue for that. Thread-safe.</remarks>
public interface IDirectChannels
{
    /// <summary>What the names of this process's channels begin with: the part before the <c>!</c>.</summary>
    string Process { get; }

    /// <summary>Makes a name that no other channel has. What is sent to it from then on arrives here.</summary>
    /// <exception cref="BackplaneUnavailableException">The broker is away, and the wait for it was too long.</exception>
    ValueTask<ChannelName> NewChannelAsync(CancellationToken cancellationToken = default);

    /// <summary>Sends a message to a channel of any process.</summary>
    /// <exception cref="ChannelFullException">As many messages wait for that process as may.</exception>
    /// <exception cref="BackplaneUnavailableException">The broker is away, and the wait for it was too long.</exception>
    /// <exception cref="ArgumentException">The channel belongs to no process, or the layer has no form for the message.</exception>
    ValueTask SendAsync(ChannelName channel, Message message, CancellationToken cancellationToken = default);

    /// <summary>Waits for a message of a channel of this process. When several wait, each message goes to one of them.</summary>
    ValueTask<Message> ReceiveAsync(ChannelName channel, CancellationToken cancellationToken = default);

    /// <summary>Puts a message on a channel of this process, past the broker.</summary>
    /// <returns><see langword="false"/> when the channel has no room: the message is dropped.</returns>
    bool Deliver(ChannelName channel, Message message);

    /// <summary>Forgets the messages that wait in this process.</summary>
    void Flush();
}
