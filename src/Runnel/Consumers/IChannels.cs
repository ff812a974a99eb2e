using Runnel.Layers;

namespace Runnel;

/// <summary>Sends to one receiver by its channel name. You can use it anywhere in the application.</summary>
/// <remarks>
/// A channel is either a <em>work queue</em>, which keeps a message until a worker has handled it, or <em>one connection</em>
/// (<see cref="Connection.ChannelName"/>), whose consumer gets an event at once if it is still there. Thread-safe.
/// <example>
/// <code>
/// app.MapPost("/orders/{id}/pay", async (string id, Pay pay, IChannels channels) =>
/// {
///     var sent = await channels.SendAsync("payments", pay, new SendOptions { Key = id });
///     return TypedResults.Accepted($"/jobs/{sent.Id}");
/// });
/// </code>
/// </example>
/// </remarks>
public interface IChannels
{
    /// <summary>Puts a message on a channel. When the call returns, the message is as safe as the layer makes anything, and will be handled at least once.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="message">The message; sent as JSON under the name that <see cref="MessageTypeAttribute"/> gives its type, or else the channel's name.</param>
    /// <param name="options">When it is due, after what, and whether only once; at once by default.</param>
    /// <param name="cancellationToken">Ends the wait. The message may still have been stored; a deduplication id makes sending again safe.</param>
    /// <returns>The message's identity, which is its job's too.</returns>
    /// <exception cref="ArgumentException">The name breaks the rule, or is a connection's.</exception>
    /// <exception cref="InvalidOperationException">The message has a key or a deduplication id, and the channel does not declare that it uses them.</exception>
    /// <exception cref="ChannelFullException">The channel is at its capacity, and had no room within the time that it waits for it.</exception>
    /// <exception cref="MessageTooLargeException">The message is larger than the channel takes.</exception>
    /// <exception cref="IOException">The layer's server is away. The message may have been stored; a deduplication id makes sending again safe.</exception>
    ValueTask<SentMessage> SendAsync<T>(ChannelName channel, T message, SendOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Puts messages on a channel, all or none, with one trip to the layer.</summary>
    /// <inheritdoc cref="SendAsync{T}(ChannelName, T, SendOptions?, CancellationToken)"/>
    ValueTask<IReadOnlyList<SentMessage>> SendManyAsync<T>(
        ChannelName channel, IEnumerable<T> messages, SendOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Sends an event to one connection, on whichever node it is: its consumer's <see cref="HandlesAttribute"/> method runs.</summary>
    /// <remarks>At most once: an event for a connection that is gone is counted and lost.</remarks>
    /// <param name="channel">The connection's channel name (<see cref="Connection.ChannelName"/>).</param>
    /// <param name="type">The event's type: a stable string.</param>
    /// <param name="body">The event; sent as JSON.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The name breaks the rule or is not the address of a connection, or the type begins with <c>runnel:</c>.</exception>
    /// <exception cref="MessageTooLargeException">The event is larger than <see cref="RunnelOptions.MaxGroupMessageBytes"/>.</exception>
    ValueTask SendEventAsync<T>(ChannelName channel, string type, T body, CancellationToken cancellationToken = default);
}
