using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Runnel.AspNetCore;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>The same promises over HTTP/1.1 and HTTP/2, in the clear and over TLS.</summary>
public sealed class TransportTests
{
    [Theory]
    [InlineData(HttpProtocols.Http1, false)]
    [InlineData(HttpProtocols.Http2, false)]
    [InlineData(HttpProtocols.Http1, true)]
    [InlineData(HttpProtocols.Http2, true)]
    public async Task A_socket_works_over_every_transport(HttpProtocols protocol, bool tls)
    {
        using var certificate = CreateCertificate();
        await using var app = await StartAsync(protocol, tls ? certificate : null);
        var client = await ConnectAsync(app, protocol, certificate, subprotocol: "v1");
        var sizes = new[] { 0, 1, 125, 126, 5_000, 70_000, 400_000 };

        Assert.Equal("v1", client.SubProtocol);
        foreach (var size in sizes)
        {
            await client.SendTextAsync(new string('x', size));
            Assert.Equal(size, (await client.ReceiveTextAsync()).Length);
        }
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
                await app.Groups.SendAsync("all", $"{i}");
        });
        for (var i = 0; i < 500; i++)
            Assert.Equal($"{i}", await client.ReceiveTextAsync());
        await sending;

        await client.CloseAsync((WebSocketCloseStatus)4002, "bye", CancellationToken.None);
        Assert.Equal(4002, (int?)client.CloseStatus);
        Assert.Equal("end 4002", await app.Journal.NextAsync());
        await Wait.Until(() => app.Limits.AddressCount == 0, "the request has ended");
        // Kestrel warns of its heartbeat when the machine stands still.
        Assert.DoesNotContain(app.Logs.AtLeast(Microsoft.Extensions.Logging.LogLevel.Warning), static entry => !entry.Text.Contains("the heartbeat has been running for", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(HttpProtocols.Http2, false)]
    [InlineData(HttpProtocols.Http1, true)]
    public async Task A_client_that_vanishes_and_one_that_is_closed_end_over_every_transport(HttpProtocols protocol, bool tls)
    {
        using var certificate = CreateCertificate();
        await using var app = await StartAsync(protocol, tls ? certificate : null);
        var (vanishes, closed) = (await ConnectAsync(app, protocol, certificate), await ConnectAsync(app, protocol, certificate));

        vanishes.Abort();
        Assert.Equal("end 1006", await app.Journal.NextAsync());
        await closed.SendTextAsync("close");
        Assert.Equal(4000, await closed.ReceiveToCloseAsync());
        await closed.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

        Assert.Equal("end 4000", await app.Journal.NextAsync());
        await Wait.Until(() => app.Limits.AddressCount == 0, "the requests have ended");
    }

    private static Task<RunnelApp> StartAsync(HttpProtocols protocol, X509Certificate2? certificate) => RunnelApp.StartAsync(
        app => app.MapConsumer<Member>("/ws"),
        static builder => builder.With(static (GatewayOptions options) => options.CloseTimeout = TimeSpan.FromMinutes(1)), // as long as a busy machine may need for the answer
        listen =>
        {
            listen.Protocols = protocol;
            if (certificate is not null)
                listen.UseHttps(certificate);
        });

    private static Task<ClientWebSocket> ConnectAsync(RunnelApp app, HttpProtocols protocol, X509Certificate2 certificate, string? subprotocol = null) => app.ConnectAsync(
        "/ws",
        options =>
        {
            options.HttpVersion = protocol == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
            options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            if (subprotocol is not null)
                options.AddSubProtocol(subprotocol);
        },
        (_, presented, _, _) => presented?.GetCertHashString() == certificate.GetCertHashString());

    internal static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    public sealed class Member(Journal journal) : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(new AcceptOptions { Subprotocol = Scope.Subprotocols is [var first, ..] ? first : null }, cancellationToken);
            await Groups.AddAsync("all", cancellationToken);
        }

        public override Task OnReceiveAsync(string text, CancellationToken cancellationToken) =>
            text == "close" ? CloseAsync(4000, cancellationToken: cancellationToken) : SendAsync(text, cancellationToken).AsTask();

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            journal.Write($"end {code}");
            return Task.CompletedTask;
        }
    }
}
