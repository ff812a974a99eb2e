using System.Net.WebSockets;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Admission;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Who may connect, and how much they may send.</summary>
public sealed class AdmissionTests
{
    [Theory]
    [InlineData(null, "shop.example", true)]
    [InlineData("https://shop.example", "shop.example", true)]
    [InlineData("http://shop.example:8080", "shop.example:8080", true)]
    [InlineData("https://SHOP.example", "shop.example", true)]
    [InlineData("http://[::1]:5080", "[::1]:5080", true)]
    [InlineData("https://bücher.example", "xn--bcher-kva.example", true)]
    [InlineData("http://shop.example:8080", "shop.example", false)]
    [InlineData("http://shop.example", "shop.example:8080", false)]
    [InlineData("https://evil.example", "shop.example", false)]
    [InlineData("https://shop.example.evil.example", "shop.example", false)]
    [InlineData("https://shop.example@evil.example", "shop.example", false)]
    [InlineData("app://shop.example", "shop.example", false)]
    [InlineData("null", "shop.example", false)]
    [InlineData("", "shop.example", false)]
    [InlineData("file:///etc", "shop.example", false)]
    [InlineData("%%%", "shop.example", false)]
    public void Pages_of_the_same_host_may_connect_and_no_others(string? origin, string host, bool allowed) =>
        Assert.Equal(allowed, OriginPolicy.IsAllowed(Request(host, origin), []));

    [Theory]
    [InlineData("https://partner.example", "https://partner.example", true)]
    [InlineData("https://partner.example", "https://Partner.example:443", true)]
    [InlineData("https://partner.example", "http://partner.example", false)]
    [InlineData("https://partner.example", "https://partner.example:444", false)]
    [InlineData("https://partner.example:444", "https://partner.example:444", true)]
    [InlineData("https://*.partner.example", "https://a.b.partner.example", true)]
    [InlineData("https://*.partner.example", "https://partner.example", false)]
    [InlineData("https://*.partner.example", "https://evilpartner.example", false)]
    [InlineData("https://*.partner.example", "http://a.partner.example", false)]
    [InlineData("https://*.partner.example", "https://a.partner.example:444", false)]
    [InlineData("https://*.partner.example:444", "https://a.partner.example:444", true)]
    [InlineData("*", "https://anybody.example", true)]
    [InlineData("*", "null", true)]
    public void Pages_of_allowed_origins_may_connect(string pattern, string origin, bool allowed)
    {
        OriginPolicy.Check(pattern);

        Assert.Equal(allowed, OriginPolicy.IsAllowed(Request("shop.example", origin), [pattern]));
    }

    [Theory]
    [InlineData("partner.example")]
    [InlineData("https://partner.example/path")]
    [InlineData("")]
    [InlineData("https://")]
    public void A_pattern_that_is_no_origin_is_refused_when_it_is_mapped(string pattern)
    {
        var refused = Assert.Throws<ArgumentException>(() => OriginPolicy.Check(pattern));

        Assert.Contains("https://shop.example", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_origins_at_once_are_refused()
    {
        var request = Request("shop.example", null);
        request.Headers.Origin = new(["https://shop.example", "https://evil.example"]);

        Assert.False(OriginPolicy.IsAllowed(request, []));
    }

    [Fact]
    public async Task A_page_of_another_origin_is_refused_with_403_before_any_consumer_is_made()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(app => app.MapConsumer("/ws", c => c.OnConnect((_, _) => throw new InvalidOperationException("made"))));
        await using var client = app.Communicator("/ws");
        client.Headers["Origin"] = "https://evil.example";

        Assert.False(await client.ConnectAsync());

        Assert.Equal(403, client.RefusedWith);
        Assert.Single(app.Logs.Of(2001));
        Assert.Empty(app.Logs.Of(1001));
    }

    [Fact]
    public async Task Who_sends_more_messages_than_allowed_is_closed_with_1008()
    {
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartInMemoryAsync(
            app => app.MapConsumer("/ws", c => c.OnReceive((text, connection) => connection.SendAsync(text)), options => (options.MaxMessageBurst, options.MaxMessagesPerSecond) = (5, 2)),
            builder => builder.With(clock));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        for (var i = 0; i < 5; i++)
            await EchoAsync(client);
        clock.Advance(TimeSpan.FromSeconds(1));
        await EchoAsync(client);
        await EchoAsync(client);
        await client.SendTextAsync("one too many");

        Assert.Equal(CloseCode.PolicyViolation, await client.ReceiveCloseAsync());

        static async Task EchoAsync(Testing.WebSocketCommunicator client)
        {
            await client.SendTextAsync("x");
            Assert.Equal("x", await client.ReceiveTextAsync());
        }
    }

    [Fact]
    public async Task A_full_node_answers_with_503_until_somebody_leaves()
    {
        await using var app = await RunnelApp.StartAsync(app => app.MapConsumer("/ws", _ => { }), builder => builder.With((GatewayOptions options) => options.MaxConnections = 2));
        var first = await app.ConnectAsync("/ws");
        await app.ConnectAsync("/ws");

        Assert.Equal(503, (int)await RefusedAsync(app));
        await first.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await Wait.Until(() => app.Node.ConnectionCount == 1, "there is room");
        await ConnectWhenThereIsRoomAsync(app);
    }

    [Fact]
    public async Task An_address_with_too_many_connections_is_answered_with_429_until_one_leaves()
    {
        await using var app = await RunnelApp.StartAsync(app => app.MapConsumer("/ws", _ => { }), builder => builder.With((GatewayOptions options) => options.MaxConnectionsPerAddress = 2));
        var first = await app.ConnectAsync("/ws");
        var second = await app.ConnectAsync("/ws");

        Assert.Equal(429, (int)await RefusedAsync(app));
        first.Abort();
        await Wait.Until(() => app.Node.ConnectionCount == 1, "there is room");
        var third = await ConnectWhenThereIsRoomAsync(app);
        second.Abort();
        third.Abort();
        await Wait.Until(() => app.Limits.AddressCount == 0, "the table is empty");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_is_gone_does_not_count_for_its_address_while_its_consumer_is_told(bool isGreeted)
    {
        var (told, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnDisconnect((_, _) =>
            {
                told.TrySetResult();
                return gate.Task;
            })),
            builder => builder.With((GatewayOptions options) => options.MaxConnectionsPerAddress = 1));
        var first = isGreeted ? await app.ConnectAsync("/ws", static options => options.AddSubProtocol(ClientHello.Subprotocol)) : await app.ConnectAsync("/ws");
        if (isGreeted)
        {
            await first.SendTextAsync("""{"hello": {"version": 1, "client": "1f6b0c9e"}}""");
            while (!(await first.ReceiveTextAsync()).Contains("joined", StringComparison.Ordinal))
            {
                // the server's hello
            }
        }
        first.Abort();
        await Wait.For(told.Task, "the consumer to be told");

        await app.ConnectAsync("/ws");

        Assert.Equal(2, app.Limits.Count);
        gate.SetResult();
        await Wait.Until(() => app.Limits.Count == 1, "the first has ended");
    }

    [Fact]
    public async Task A_client_that_no_worker_takes_in_time_is_answered_with_503_and_told_when_to_come_back()
    {
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", _ => { }), builder => builder.With(clock).Services.PostConfigure<HandoverOptions>(static options => options.HandsOut = true));
        var owners = app.Services.GetRequiredService<Runnel.Handover.ConnectionOwners>();
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = app.Address, Timeout = Wait.Limit };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/ws", UriKind.Relative));
        foreach (var (name, value) in new[] { ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13") })
            request.Headers.Add(name, value);

        var answering = http.SendAsync(request);
        await Wait.Until(() => owners.WaitingCount == 1, "the client waits for a worker");
        for (var second = 0; second < 11; second++)
            clock.Advance(TimeSpan.FromSeconds(1));
        using var answer = await Wait.For(answering, "the answer");

        Assert.Equal((503, TimeSpan.FromSeconds(5)), ((int)answer.StatusCode, answer.Headers.RetryAfter?.Delta));
    }

    [Fact]
    public async Task A_refused_connection_takes_no_place()
    {
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnConnect((connection, ct) => connection.RejectAsync(ct))), builder => builder.With((GatewayOptions options) => options.MaxConnections = 1));

        for (var i = 0; i < 5; i++)
            Assert.Equal(403, (int)await RefusedAsync(app));

        await Wait.Until(() => app.Limits.AddressCount == 0, "the table is empty");
    }

    [Fact]
    public async Task Authorization_is_asked_before_any_consumer_is_made()
    {
        var made = 0;
        await using var app = await RunnelApp.StartInMemoryAsync(
            app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
                app.MapConsumer("/any", c => c.OnConnect((connection, ct) =>
                {
                    made++;
                    return connection.AcceptAsync(AcceptOptions.Default, ct);
                })).RequireAuthorization();
                app.MapConsumer<ForEditors>("/editors");
            },
            builder =>
            {
                builder.Services.AddAuthentication("header").AddScheme<AuthenticationSchemeOptions, ByHeader>("header", null);
                builder.Services.AddAuthorizationBuilder().AddPolicy("editor", policy => policy.RequireClaim("role", "editor"));
            });

        Assert.Equal(401, await StatusAsync("/any", null));
        Assert.Equal(0, made);
        Assert.Equal(0, await StatusAsync("/any", "reader"));
        Assert.Equal(401, await StatusAsync("/editors", null));
        Assert.Equal(403, await StatusAsync("/editors", "reader"));
        Assert.Equal(0, await StatusAsync("/editors", "editor"));

        async Task<int> StatusAsync(string path, string? role)
        {
            await using var client = app.Communicator(path);
            if (role is not null)
                client.Headers["X-Role"] = role;
            await client.ConnectAsync();
            return client.RefusedWith;
        }
    }

    [Fact]
    public async Task An_endpoint_with_options_that_make_no_sense_cannot_be_mapped()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(app =>
        {
            Assert.Throws<System.ComponentModel.DataAnnotations.ValidationException>(() => app.MapConsumer("/a", _ => { }, options => options.MaxMessageBytes = 0));
            Assert.Throws<System.ComponentModel.DataAnnotations.ValidationException>(() => app.MapConsumer("/b", _ => { }, options => options.Outbound.MaxMessages = 0));
            Assert.Throws<ArgumentException>(() => app.MapConsumer("/c", _ => { }, options => options.AllowedOrigins.Add("nonsense")));
        });
    }

    private static async Task<System.Net.HttpStatusCode> RefusedAsync(RunnelApp app)
    {
        using var client = new ClientWebSocket();
        client.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(app.WebSocketAddress("/ws"), CancellationToken.None));
        return client.HttpStatusCode;
    }

    // The place is given back a moment after the connection is forgotten.
    private static async Task<ClientWebSocket> ConnectWhenThereIsRoomAsync(RunnelApp app)
    {
        ClientWebSocket? client = null;
        await Wait.Until(
            async () =>
            {
                try
                {
                    client = await app.ConnectAsync("/ws");
                    return true;
                }
                catch (WebSocketException)
                {
                    return false;
                }
            }, "there is room");
        return client!;
    }

    private static HttpRequest Request(string host, string? origin)
    {
        var request = new DefaultHttpContext().Request;
        request.Host = new HostString(host);
        if (origin is not null)
            request.Headers.Origin = origin;
        return request;
    }

    [Authorize(Policy = "editor")]
    public sealed class ForEditors : WebSocketConsumer;

    private sealed class ByHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers["X-Role"].FirstOrDefault() is not { } role)
                return Task.FromResult(AuthenticateResult.NoResult());
            var user = new ClaimsPrincipal(new ClaimsIdentity([new Claim("role", role)], "header"));
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(user, "header")));
        }
    }
}
