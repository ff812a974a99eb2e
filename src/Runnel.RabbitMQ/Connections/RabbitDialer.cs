using System.Net;
using RabbitMQ.Client;

namespace Runnel.RabbitMQ.Connections;

/// <summary>Makes connections: to each address that the host's name stands for, through TLS, past the password, into the virtual host.</summary>
/// <remarks>
/// The client's automatic recovery is off: publishing meanwhile loses messages, and it may hang after a restart of the broker. <see cref="RabbitLink"/> does it. The client's heartbeats are off,
/// too: <see cref="BeatingStream"/> beats.
/// </remarks>
internal sealed class RabbitDialer(RabbitAddress address, RabbitMQOptions options, RabbitHeart heart)
{
    public RabbitAddress Address => address;

    public TimeSpan Timeout => options.Timeout;

    /// <summary>Connects.</summary>
    /// <param name="name">What the broker's operator sees of the connection.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    /// <exception cref="RabbitUnavailableException">It did not work, whatever the reason; the message says why, and what to do.</exception>
    public async Task<IConnection> ConnectAsync(string name, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        try
        {
            var factory = Factory(RabbitTls.Of(address, options));
            return await factory.CreateConnectionAsync(await EndpointsAsync(limit.Token).ConfigureAwait(false), name, limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RabbitUnavailableException(Explain(exception), exception);
        }
    }

    /// <summary>What to do about a failure.</summary>
    public string Explain(Exception failure) => RabbitExplanation.Of(failure, address, options.Timeout);

    /// <summary>Why the broker closed something.</summary>
    public string Explain(int code, string text) => RabbitExplanation.Of(code, text, address);

    private ConnectionFactory Factory(SslOption? tls) => new()
    {
        UserName = address.User,
        Password = address.Password,
        VirtualHost = address.VirtualHost,
        AutomaticRecoveryEnabled = false,
        TopologyRecoveryEnabled = false,
        RequestedHeartbeat = TimeSpan.Zero,
        SocketFactory = family => new BeatingSocket(family, tls, heart),
        RequestedConnectionTimeout = options.Timeout,
        HandshakeContinuationTimeout = options.Timeout,
        ContinuationTimeout = options.Timeout,
    };

    private async Task<List<AmqpTcpEndpoint>> EndpointsAsync(CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(address.Host, out var ip) ? [ip] : await Dns.GetHostAddressesAsync(address.Host, cancellationToken).ConfigureAwait(false);
        return [.. addresses.Select(one => new AmqpTcpEndpoint(one.ToString(), address.Port))];
    }
}
