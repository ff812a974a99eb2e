using Runnel.Consumers;

namespace Runnel;

/// <summary>Makes the sessions of connections. Whatever carries connections gets it from dependency injection.</summary>
public sealed class ConsumerSessions
{
    private readonly SessionHost _host;

    internal ConsumerSessions(SessionHost host) => _host = host;

    /// <summary>Makes the session of a connection. Its consumer works in this process, or in a worker if this node leaves consumers to workers.</summary>
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
        return new ConsumerSession(_host, connection, descriptor, events => _host.MembershipOf(connection, hello, events));
    }
}
