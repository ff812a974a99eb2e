using Runnel.Groups;

namespace Runnel.Consumers;

/// <summary>What the consumers of this process work with.</summary>
internal sealed class SessionHost
{
    private readonly GroupRegistry _groups;
    private readonly Lazy<IChannels> _channels;

    public SessionHost(NodeContext node, IServiceProvider services, ConnectionTable connections, GroupRegistry groups, Lazy<IChannels> channels)
    {
        Node = node;
        Services = services;
        Connections = connections;
        _groups = groups;
        _channels = channels;
    }

    public NodeContext Node { get; }

    public IServiceProvider Services { get; }

    public ConnectionTable Connections { get; }

    public IGroups Groups => _groups;

    public IChannels Channels => _channels.Value;

    /// <summary>Makes the half of a connection that stays with its socket, for a socket in this process.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="hello">What its client said first, if it speaks <c>runnel.v1</c>.</param>
    /// <param name="events">Whoever runs its consumer.</param>
    public LocalMembership MembershipOf(SocketConnection connection, ClientHello? hello, IEventSink events) =>
        hello is null ? LocalMembership.Of(connection, form: null, events, _groups) : new GreetedMembership(connection, hello, events, _groups);
}
