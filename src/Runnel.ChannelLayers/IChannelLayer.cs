using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>The verbs of Django Channels' layer specification, for code and tests that want the raw model.</summary>
/// <remarks>
/// At most once: a message that was received is gone, even if its receiver fails. A channel refuses messages past its capacity, and a message
/// that nobody received within its expiry is never received. Order is kept for one sender and one receiver. Thread-safe. For work that
/// must not get lost, use a channel with a consumer instead.
/// </remarks>
public interface IChannelLayer
{
    /// <summary>Sends a message to a channel. Never waits for room.</summary>
    /// <exception cref="ChannelFullException">The channel is at its capacity.</exception>
    /// <exception cref="MessageTooLargeException">The message is larger than the layer takes.</exception>
    ValueTask SendAsync(ChannelName channel, Message message, CancellationToken cancellationToken = default);

    /// <summary>Waits for a message of a channel. When several wait, each message goes to one of them.</summary>
    /// <exception cref="InvalidOperationException">The channel belongs to another process: its name was made by another layer's <see cref="NewChannelAsync"/>.</exception>
    ValueTask<Message> ReceiveAsync(ChannelName channel, CancellationToken cancellationToken = default);

    /// <summary>Makes a name that no other channel has, readable by this process only.</summary>
    /// <param name="prefix">What the name begins with; letters, digits, <c>-</c>, <c>_</c> and <c>.</c> On a layer with <see cref="IDirectChannels"/> it begins with the process's name instead.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<ChannelName> NewChannelAsync(string prefix = "specific", CancellationToken cancellationToken = default);

    /// <summary>Adds a channel to a group, for the group expiry; adding it again begins that anew.</summary>
    ValueTask AddToGroupAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default);

    /// <summary>Removes a channel from a group; without effect when it is not in it.</summary>
    ValueTask RemoveFromGroupAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default);

    /// <summary>Sends a message to every channel of a group. A member at its capacity misses it, which is counted; the others get it.</summary>
    /// <exception cref="MessageTooLargeException">The message is larger than the layer takes.</exception>
    ValueTask SendToGroupAsync(GroupName group, Message message, CancellationToken cancellationToken = default);

    /// <summary>Forgets all messages and all groups of this process, and returns when they are gone. For tests.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);
}
