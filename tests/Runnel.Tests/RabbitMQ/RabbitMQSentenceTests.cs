using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Runnel.Tests.Cli;
using Runnel.Tests.Servers;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What is wrong with a RabbitMQ ends an application's start, and the tool, with the sentence that <see cref="RabbitMQStartTests"/> reads at the layer, and nothing else.</summary>
public sealed class RabbitMQSentenceTests(SharedRabbitServer server) : IAsyncLifetime
{
    private RabbitVirtualHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await server.CreateHostAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public Task No_broker() => AssertSaysAsync($"amqp://127.0.0.1:{LoopbackPort.Free()}", "No RabbitMQ listens at 127.0.0.1:");

    [Fact]
    public async Task A_wrong_password()
    {
        var user = await (await server.Server).CreateUserAsync();

        await AssertSaysAsync(_host.AddressFor(user.Replace(":secret", ":wr0ng", StringComparison.Ordinal)), "refuses the user '");
    }

    [Fact]
    public async Task No_such_virtual_host() => await AssertSaysAsync((await server.Server).AddressOf("nowhere"), "has no virtual host 'nowhere'");

    [Fact]
    public async Task A_missing_permission()
    {
        var user = await (await server.Server).CreateUserAsync();
        await _host.AllowAsync(user, configure: "none");

        await AssertSaysAsync(_host.AddressFor(user), "Give it the rights: rabbitmqctl set_permissions");
    }

    [Fact]
    public async Task A_certificate_of_an_unknown_authority()
    {
        var folder = Directory.CreateTempSubdirectory("runnel-tls-");
        var files = ServerCertificate.Create(folder.FullName);
        using var certificate = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
        await using var other = ScriptedServer.Doing(async (stream, ending) =>
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, ending);
        });

        await AssertSaysAsync($"amqps://guest:wr0ng@127.0.0.1:{other.Port}", "name its file: amqps://host?ca=/path/ca.pem.");

        folder.Delete(recursive: true);
    }

    private static async Task AssertSaysAsync(string address, string words)
    {
        var (code, output, error) = await AppProcess.RunAsync("runserver", "--noworker", "--urls", "http://127.0.0.1:0", "--layer", address);
        var tool = await RunnelTool.RunAsync("channels", "--layer", address);

        tool.FailsWith(1, words);
        Assert.Equal((1, ""), (code, output));
        Assert.Equal(tool.Error.Trim(), Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Trim());
        Assert.DoesNotContain("wr0ng", error, StringComparison.Ordinal);
    }
}
