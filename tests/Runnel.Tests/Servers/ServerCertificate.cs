using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Runnel.Tests.Servers;

/// <summary>A certificate for servers on loopback, one for their clients, and the authority that signed both, made for one test and worth nothing after it.</summary>
internal sealed class ServerCertificate
{
    private static readonly TimeSpan Validity = TimeSpan.FromHours(2);

    private ServerCertificate(string folder)
    {
        AuthorityFile = Path.Combine(folder, "ca.pem");
        CertificateFile = Path.Combine(folder, "server.pem");
        KeyFile = Path.Combine(folder, "server.key");
        ClientCertificateFile = Path.Combine(folder, "client.pem");
        ClientKeyFile = Path.Combine(folder, "client.key");
    }

    /// <summary>The authority's own certificate.</summary>
    public string AuthorityFile { get; }

    public string CertificateFile { get; }

    public string KeyFile { get; }

    /// <summary>The certificate by which a server that asks for one knows a client.</summary>
    public string ClientCertificateFile { get; }

    public string ClientKeyFile { get; }

    /// <summary>Makes all of them, and writes them as PEM files.</summary>
    public static ServerCertificate Create(string folder)
    {
        var files = new ServerCertificate(folder);
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=An authority for tests", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = TimeProvider.System.GetUtcNow();
        using var authority = request.CreateSelfSigned(now - Validity, now + Validity);

        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        Write(authority, "CN=localhost", files.CertificateFile, files.KeyFile, names.Build());
        Write(authority, "CN=A client for tests", files.ClientCertificateFile, files.ClientKeyFile);
        File.WriteAllText(files.AuthorityFile, authority.ExportCertificatePem());
        return files;
    }

    private static void Write(X509Certificate2 authority, string subject, string certificateFile, string keyFile, params X509Extension[] extensions)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        foreach (var extension in extensions)
            request.CertificateExtensions.Add(extension);
        using var certificate = request.Create(authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(16));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
    }
}
