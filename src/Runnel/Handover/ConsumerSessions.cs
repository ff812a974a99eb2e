using Microsoft.Extensions.Options;
using Runnel.Consumers;
using Runnel.Handover;

namespace Runnel;

/// <summary>Makes the sessions of connections. Whatever carries connections gets it from dependency injection.</summary>
public sealed class ConsumerSessions
{
    private readonly SessionHost _host;
    private readonly IOptions<HandoverOptions> _options;
    private readonly Lazy<ConnectionOwners> _owners;

    internal ConsumerSessions(SessionHost host, IOptions<HandoverOptions> options, Lazy<ConnectionOwners> owners) => (_host, _options, _owners) = (host, options, owners);

    /// <summary>Makes the session of a connection. Its consumer works in this process, or in a worker if this node leaves consumers to workers (<see cref="HandoverOptions.HandsOut"/>).</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="endpoint">The name of the endpoint that the client asked for; <see langword="null"/> for a consumer that always works in this process.</param>
    /// <param name="descriptor">The kind of consumer, as the endpoint has it.</param>
    /// <param name="hello">What the client said first, if it speaks <c>runnel.v1</c>.</param>
    public IConsumerSession NewSession(SocketConnection connection, string? endpoint, ConsumerDescriptor descriptor, ClientHello? hello = null)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(descriptor);
        if (hello is not null)
            descriptor = DemultiplexerBuilder.Greeted(descriptor);
        return endpoint is not null && _options.Value.HandsOut
            ? new HandedSession(_owners.Value, connection, endpoint, descriptor, hello)
            : new ConsumerSession(_host, connection, descriptor, events => _host.MembershipOf(connection, hello, events));
    }
}
