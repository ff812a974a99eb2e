using Runnel.Layers;

namespace Runnel;

/// <summary>Groups of connections: adds connections to them, and sends to all members. You can use it anywhere in the application.</summary>
/// <remarks>
/// A message to a group is either a <em>frame</em>, which goes straight to the members' clients, encoded once for all of them, or an
/// <em>event</em>, which runs the members' <see cref="HandlesAttribute"/> methods. Sending returns when the layer has taken the message; it never
/// waits for a client. Members get the messages of one sender in the order sent. Thread-safe.
/// <example>
/// <code>
/// app.MapPost("/announce", async (Announcement a, IGroups groups) => await groups.SendJsonAsync("everyone", a));
/// </code>
/// </example>
/// </remarks>
public interface IGroups
{
    /// <summary>Adds a connection, on whichever node it is. A connection of this node gets every message that is sent after the call has returned.</summary>
    /// <param name="group">The group.</param>
    /// <param name="channel">The connection's channel name (<see cref="Connection.ChannelName"/>).</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The group's or the channel's name breaks the rule, or the channel is not the address of a connection.</exception>
    ValueTask AddAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default);

    /// <summary>Removes a connection from the group, if it is a member. A connection that closes leaves all its groups.</summary>
    /// <exception cref="ArgumentException">The group's or the channel's name breaks the rule, or the channel is not the address of a connection.</exception>
    ValueTask RemoveAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default);

    /// <summary>Sends a text frame to every member's client.</summary>
    /// <exception cref="MessageTooLargeException">The message is larger than <see cref="RunnelOptions.MaxGroupMessageBytes"/>.</exception>
    ValueTask SendAsync(GroupName group, string text, CancellationToken cancellationToken = default);

    /// <summary>Sends a binary frame to every member's client.</summary>
    /// <exception cref="MessageTooLargeException">The message is larger than <see cref="RunnelOptions.MaxGroupMessageBytes"/>.</exception>
    ValueTask SendAsync(GroupName group, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default);

    /// <summary>Sends a value as a JSON text frame to every member's client.</summary>
    /// <exception cref="MessageTooLargeException">The message is larger than <see cref="RunnelOptions.MaxGroupMessageBytes"/>.</exception>
    ValueTask SendJsonAsync<T>(GroupName group, T value, CancellationToken cancellationToken = default);

    /// <summary>Sends an event to every member's code: the consumer's method that <see cref="HandlesAttribute">handles</see> the type.</summary>
    /// <param name="group">The group.</param>
    /// <param name="type">The event's type: a stable string such as <c>article.published</c>.</param>
    /// <param name="body">The event; sent as JSON.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MessageTooLargeException">The message is larger than <see cref="RunnelOptions.MaxGroupMessageBytes"/>.</exception>
    ValueTask SendEventAsync<T>(GroupName group, string type, T body, CancellationToken cancellationToken = default);

    /// <summary>Tells every member that messages are missing, in its place among the group's messages: for a sender that could not send what the members have to know.</summary>
    /// <remarks>
    /// Each member's consumer gets <see cref="WebSocketConsumer.OnGapAsync"/>; unless you override that, its client comes back and begins anew. If the group keeps history, clients that are away now learn
    /// it when they come back. Each call is counted on every node that has members (<c>runnel.group.gaps</c>, reason <c>reported</c>).
    /// </remarks>
    /// <param name="group">The group.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask SendGapAsync(GroupName group, CancellationToken cancellationToken = default);
}
