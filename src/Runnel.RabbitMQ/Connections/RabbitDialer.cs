using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace Runnel.RabbitMQ.Connections;

/// <summary>Makes connections: to each address that the host's name stands for, through TLS, past the password, into the virtual host.</summary>
/// <remarks>The client's automatic recovery is off: publishing meanwhile loses messages, and it may hang after a restart of the broker. <see cref="RabbitLink"/> does it.</remarks>
internal sealed class RabbitDialer(RabbitAddress address, RabbitMQOptions options)
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
            var factory = Factory();
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

    private ConnectionFactory Factory() => new()
    {
        UserName = address.User,
        Password = address.Password,
        VirtualHost = address.VirtualHost,
        AutomaticRecoveryEnabled = false,
        TopologyRecoveryEnabled = false,
        RequestedHeartbeat = options.Heartbeat,
        RequestedConnectionTimeout = options.Timeout,
        HandshakeContinuationTimeout = options.Timeout,
        ContinuationTimeout = options.Timeout,
    };

    private async Task<List<AmqpTcpEndpoint>> EndpointsAsync(CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(address.Host, out var ip) ? [ip] : await Dns.GetHostAddressesAsync(address.Host, cancellationToken).ConfigureAwait(false);
        return [.. addresses.Select(one => new AmqpTcpEndpoint(one.ToString(), address.Port, address.IsEncrypted ? Tls() : new SslOption()))];
    }

    // The certificate is for the name that the address gives, not for the number that it stands for.
    private SslOption Tls()
    {
        if (options.Ssl is { } own)
        {
            own.Enabled = true;
            own.ServerName = own.ServerName.Length > 0 ? own.ServerName : address.Host;
            return own;
        }
        var tls = new SslOption(address.Host, enabled: true);
        if (address.AuthorityFile is { } authority)
            tls.CertificateValidationCallback = (_, certificate, _, errors) => IsSignedBy(Read(authority, "ca", X509CertificateLoader.LoadCertificateFromFile), certificate, errors);
        if (address.CertificateFile is { } file)
            tls.Certs = [Read(file, "cert", path => X509Certificate2.CreateFromPemFile(path, address.KeyFile))];
        return tls;
    }

    private static bool IsSignedBy(X509Certificate2 authority, X509Certificate? certificate, SslPolicyErrors errors)
    {
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        return chain.Build(new X509Certificate2(certificate));
    }

    private static X509Certificate2 Read(string file, string option, Func<string, X509Certificate2> read)
    {
        try
        {
            return read(file);
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new RabbitUnavailableException($"The file '{file}' ({option}= in the address of RabbitMQ) cannot be read as a certificate: {exception.Message.TrimEnd('.')}.", exception);
        }
    }
}
