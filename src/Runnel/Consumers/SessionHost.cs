using Runnel.Consumers;
using Runnel.Groups;

namespace Runnel;

/// <summary>What the consumers of this process work with. Whatever carries connections gets it from dependency injection and gives it to each <see cref="ConsumerSession"/>.</summary>
public sealed class SessionHost
{
    private readonly GroupRegistry _groups;
    private readonly Lazy<IChannels> _channels;

    internal SessionHost(NodeContext node, IServiceProvider services, ConnectionTable connections, GroupRegistry groups, Lazy<IChannels> channels)
    {
        Node = node;
        Services = services;
        Connections = connections;
        _groups = groups;
        _channels = channels;
    }

    internal NodeContext Node { get; }

    internal IServiceProvider Services { get; }

    internal ConnectionTable Connections { get; }

    internal IGroups Groups => _groups;

    internal IChannels Channels => _channels.Value;

    /// <summary>Makes the half of a connection that stays with its socket, for a socket in this process.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="hello">What its client said first, if it speaks <c>runnel.v1</c>.</param>
    /// <param name="events">Whoever runs its consumer.</param>
    internal IMembership MembershipOf(Connection connection, ClientHello? hello, IEventSink events) =>
        hello is null ? LocalMembership.Of(connection, form: null, events, _groups) : new GreetedMembership(connection, hello, events, _groups);
}
