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
    internal IMembership MembershipOf(Connection connection, IEventSink events) => LocalMembership.Of(connection, stream: null, events, _groups);
}
