using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Whom a client takes for its broker when the address names an authority.</summary>
public sealed class RabbitTlsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-tls-");

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("broker.example", false)]
    [InlineData("127.0.0.2", false)]
    public async Task A_certificate_of_the_authority_is_good_for_the_host_that_it_names_and_no_other(string host, bool isGood)
    {
        var files = ServerCertificate.Create(_folder.FullName);
        using var certificate = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
        await using var server = ScriptedServer.Doing(async (stream, ending) =>
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, ending);
        });
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Port);
        var options = RabbitTls.Of(RabbitAddress.Parse($"amqps://{host}?ca={files.AuthorityFile}"), new RabbitMQOptions())!;

        var sealing = Wait.For(RabbitTls.SealAsync(client.GetStream(), options, CancellationToken.None), "the handshake");

        if (isGood)
            await (await sealing).DisposeAsync();
        else
            await Assert.ThrowsAsync<AuthenticationException>(() => sealing);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
