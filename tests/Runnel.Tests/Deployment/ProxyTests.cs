using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.Deployment;

/// <summary>The nginx of <c>deploy/</c>: what it takes, what it lets through, and what it keeps inside.</summary>
public sealed class ProxyTests
{
    private static readonly SendOptions Later = new() { Delay = TimeSpan.FromDays(1) };

    [Fact]
    public async Task Events_pass_at_once_sockets_pass_and_what_is_for_those_inside_does_not()
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask);
        await using var nginx = await NginxServer.StartDeployedAsync(app.Http.BaseAddress!);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = nginx.Address, Timeout = Wait.Limit };
        var id = await app.SendAsync(Later);

        using var events = new StreamReader(await http.GetStreamAsync(new Uri($"/jobs/{id}/events", UriKind.Relative)));
        Assert.Equal("event: state", await Wait.For(events.ReadLineAsync(), "the job's present state"));
        using var socket = new ClientWebSocket();
        await Wait.For(socket.ConnectAsync(new Uri($"ws://127.0.0.1:{nginx.Port}/jobs/{id}/socket"), CancellationToken.None), "the socket");
        foreach (var inside in new[] { "/health/ready", "/metrics/channels" })
        {
            using var answer = await http.GetAsync(new Uri(inside, UriKind.Relative));
            Assert.Equal((HttpStatusCode.NotFound, true), (answer.StatusCode, (await answer.Content.ReadAsStringAsync()).Contains("nginx", StringComparison.Ordinal)));
        }
        socket.Abort();
    }

    [Fact]
    public async Task Nginx_takes_the_site_with_its_certificate()
    {
        var folder = Directory.CreateTempSubdirectory("runnel-site-");
        var certificate = ServerCertificate.Create(folder.FullName);
        var plain = LoopbackPort.Free();
        await using var nginx = await NginxServer.StartAsync(port => DeployedSite.Read("deploy/nginx/runnel.conf")
            .Replace("listen 80;", $"listen 127.0.0.1:{plain};", StringComparison.Ordinal)
            .Replace("listen 443 ssl http2;", $"listen 127.0.0.1:{port} ssl http2;", StringComparison.Ordinal)
            .Replace("/etc/nginx/tls/app.example.pem", certificate.CertificateFile, StringComparison.Ordinal)
            .Replace("/etc/nginx/tls/app.example.key", certificate.KeyFile, StringComparison.Ordinal));
        var trust = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(certificate.AuthorityFile) },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, SslOptions = { CertificateChainPolicy = trust } }) { Timeout = Wait.Limit };

        using var redirected = await http.GetAsync(new Uri($"http://127.0.0.1:{plain}/page"));
        using var unanswered = await http.GetAsync(new Uri($"https://localhost:{nginx.Port}/page")); // nobody listens at the gateways' ports, or somebody else does

        Assert.Equal((HttpStatusCode.MovedPermanently, "https"), (redirected.StatusCode, redirected.Headers.Location?.Scheme));
        Assert.Contains("nginx", unanswered.Headers.Server.ToString(), StringComparison.Ordinal);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Nginx_takes_the_site_of_compose()
    {
        // Only a newer nginx, with a name server, looks names up again.
        await using var nginx = await NginxServer.StartAsync(port => DeployedSite.Read("deploy/compose/nginx.conf")
            .Replace(" resolve", "", StringComparison.Ordinal)
            .Replace("gateway-1:8080", "127.0.0.1:1", StringComparison.Ordinal)
            .Replace("gateway-2:8080", "127.0.0.1:2", StringComparison.Ordinal)
            .Replace("listen 8080;", $"listen 127.0.0.1:{port};", StringComparison.Ordinal));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = nginx.Address, Timeout = Wait.Limit };

        using var answer = await http.GetAsync(new Uri("/page", UriKind.Relative));

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
    }
}
