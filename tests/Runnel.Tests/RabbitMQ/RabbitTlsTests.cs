using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Whom a client takes for its broker, by what the address or the application says.</summary>
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

        Assert.Equal(isGood, await IsGoodAsync(files, RabbitTls.Of(RabbitAddress.Parse($"amqps://{host}?ca={files.AuthorityFile}"), new RabbitMQOptions())!));
    }

    [Theory]
    [InlineData(SslPolicyErrors.None, false)]
    [InlineData(SslPolicyErrors.RemoteCertificateChainErrors, true)]
    public async Task A_certificate_of_an_unknown_authority_is_good_if_the_application_accepts_that(SslPolicyErrors accepted, bool isGood)
    {
        var options = new RabbitMQOptions { Ssl = new SslOption { AcceptablePolicyErrors = accepted } };

        Assert.Equal(isGood, await IsGoodAsync(ServerCertificate.Create(_folder.FullName), RabbitTls.Of(RabbitAddress.Parse("amqps://localhost"), options)!));
    }

    [Theory]
    [InlineData("", "broker")]
    [InlineData("other.example", "other.example")]
    public void The_applications_own_options_name_the_host_or_the_address_does(string named, string expected)
    {
        var options = new RabbitMQOptions { Ssl = new SslOption { ServerName = named } };

        Assert.Equal(expected, RabbitTls.Of(RabbitAddress.Parse("amqps://broker"), options)!.ServerName);
    }

    [Fact]
    public void A_certificate_of_the_clients_own_that_cannot_be_read_is_named()
    {
        var failure = Assert.Throws<RabbitUnavailableException>(() => RabbitTls.Of(RabbitAddress.Parse("amqps://broker?cert=/no/such.pem"), new RabbitMQOptions()));

        Assert.StartsWith("The file '/no/such.pem' (cert= in the address of RabbitMQ) cannot be read as a certificate", failure.Message, StringComparison.Ordinal);
    }

    private static async Task<bool> IsGoodAsync(ServerCertificate files, SslOption options)
    {
        using var certificate = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
        await using var server = ScriptedServer.Doing(async (stream, ending) =>
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, ending);
        });
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Port);
        try
        {
            await using var tls = await Wait.For(RabbitTls.SealAsync(client.GetStream(), options, CancellationToken.None), "the handshake");
            return true;
        }
        catch (AuthenticationException)
        {
            return false;
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
