using Runnel.Consumers;
using Runnel.Groups;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel;

/// <summary>This process as one node of the application: its name, and its open connections. You get it from dependency injection.</summary>
public sealed class RunnelNode
{
    private readonly NodeContext _context;
    private readonly ConnectionTable _connections;
    private readonly MemberTable _members;
    private readonly InboxSender _inboxes;

    internal RunnelNode(NodeContext context, ConnectionTable connections, MemberTable members, InboxSender inboxes)
    {
        _context = context;
        _connections = connections;
        _members = members;
        _inboxes = inboxes;
    }

    /// <summary>The node's name, unique over all nodes and all starts.</summary>
    public string Id => _context.Id;

    /// <summary>How many connections are open, streams of shared sockets included if their consumers work in this process.</summary>
    public int ConnectionCount => _connections.Count;

    /// <summary>The open connections, streams of shared sockets included if their consumers work in this process, at some moment during the enumeration.</summary>
    public IEnumerable<Connection> Connections => _connections.All;

    /// <summary>Sends an event to one connection, on whichever node it is. At most once: an event for a connection that is gone is counted and lost.</summary>
    /// <exception cref="ArgumentException">The channel is not the address of a connection, or the message's type begins with <c>runnel:</c>.</exception>
    /// <exception cref="MessageTooLargeException">The message is larger than <see cref="RunnelOptions.MaxGroupMessageBytes"/>.</exception>
    public ValueTask SendEventAsync(ChannelName channel, Message message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.Type.StartsWith(InboxSender.OwnTypes, StringComparison.Ordinal))
            throw new ArgumentException($"'{message.Type}' cannot be the type of an event: types that begin with '{InboxSender.OwnTypes}' are reserved for Runnel. Choose another name.", nameof(message));
        if (message.Body.Length > _context.Options.MaxGroupMessageBytes)
            throw new MessageTooLargeException($"channel '{channel}'", message.Body.Length, _context.Options.MaxGroupMessageBytes);
        if (!_inboxes.IsHere(channel, out var number))
            return _inboxes.SendAsync(channel, message.Type, message.Body, cancellationToken);
        if (_members.Find(number) is { } member)
            member.PostEvent(new GroupMessage(new Envelope(message) { Channel = channel }));
        else
            LayerTelemetry.MessagesDropped("connection-gone");
        return ValueTask.CompletedTask;
    }
}
