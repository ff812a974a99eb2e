using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace Runnel.RabbitMQ.Connections;

/// <summary>TLS to the broker, as the address or <see cref="RabbitMQOptions.Ssl"/> says.</summary>
internal static class RabbitTls
{
    /// <summary>How it is done; <see langword="null"/> when it is not.</summary>
    public static SslOption? Of(RabbitAddress address, RabbitMQOptions options)
    {
        if (!address.IsEncrypted)
            return null;
        if (options.Ssl is { } own)
        {
            // The certificate is for the name that the address gives, not for the number that it stands for.
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

    /// <summary>Puts TLS on a connection.</summary>
    public static async Task<Stream> SealAsync(Stream stream, SslOption tls, CancellationToken cancellationToken)
    {
        var isAccepted = tls.CertificateValidationCallback ?? ((_, _, _, errors) => (errors & ~tls.AcceptablePolicyErrors) == SslPolicyErrors.None);
        var chosen = tls.CertificateSelectionCallback ?? ((_, _, own, _, issuers) => own.Cast<X509Certificate>().FirstOrDefault(one => issuers.Contains(one.Issuer)) ?? own.Cast<X509Certificate>().FirstOrDefault()!);
        var sealing = new SslStream(stream, leaveInnerStreamOpen: false, isAccepted, chosen);
        try
        {
            await sealing.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    CertificateRevocationCheckMode = tls.CheckCertificateRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
                    ClientCertificates = tls.Certs,
                    EnabledSslProtocols = tls.Version,
                    TargetHost = tls.ServerName,
                },
                cancellationToken).ConfigureAwait(false);
            return sealing;
        }
        catch
        {
            await sealing.DisposeAsync().ConfigureAwait(false);
            throw;
        }
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
