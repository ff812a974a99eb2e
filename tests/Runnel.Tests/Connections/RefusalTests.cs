using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Admission;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What a client is told that is refused, what is counted of it, and what an application is told that starts with options that make no sense.</summary>
[Collection(nameof(Metered))]
public sealed class RefusalTests
{
    [Theory]
    [InlineData("handshake", HttpStatusCode.BadRequest, "WebSocket version 13")]
    [InlineData("origin", HttpStatusCode.Forbidden, "Pages of this origin may not connect here.")]
    [InlineData("consumer", HttpStatusCode.Forbidden, "")]
    [InlineData("node-full", HttpStatusCode.ServiceUnavailable, "This server has as many connections as it may")]
    [InlineData("address-full", HttpStatusCode.TooManyRequests, "There are too many connections from this address.")]
    public async Task Each_refusal_is_counted_by_its_reason_and_says_when_to_come_back_if_that_helps(string reason, HttpStatusCode status, string sentence)
    {
        using var counts = new Counts();
        await using var app = await RunnelApp.StartAsync(
            app =>
            {
                app.MapConsumer("/ws", _ => { });
                app.MapConsumer("/refuses", c => c.OnConnect(static (connection, ct) => connection.RejectAsync(ct)));
            },
            builder => builder.With((GatewayOptions options) =>
            {
                options.MaxConnections = reason == "node-full" ? 1 : 10;
                options.MaxConnectionsPerAddress = reason == "address-full" ? 1 : 10;
            }));
        await app.ConnectAsync("/ws");
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = app.Address, Timeout = Wait.Limit };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(reason == "consumer" ? "/refuses" : "/ws", UriKind.Relative));
        request.Headers.Add("Connection", "Upgrade");
        request.Headers.Add("Upgrade", "websocket");
        request.Headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.Headers.Add("Sec-WebSocket-Version", reason == "handshake" ? "8" : "13");
        if (reason == "origin")
            request.Headers.Add("Origin", "https://elsewhere.example");

        using var answer = await http.SendAsync(request);

        Assert.Equal(status, answer.StatusCode);
        Assert.Contains(sentence, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(reason.EndsWith("-full", StringComparison.Ordinal) ? TimeSpan.FromSeconds(5) : null, answer.Headers.RetryAfter?.Delta);
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsRefused, reason]);
        Assert.Equal(reason.EndsWith("-full", StringComparison.Ordinal) ? 1 : 0, app.Logs.Of(2002).Count());
    }

    [Theory]
    [InlineData("NodeFull", 503, "node-full", "This server has as many connections as it may; come back in a moment.")]
    [InlineData("AddressFull", 429, "address-full", "There are too many connections from this address.")]
    [InlineData("TooManyASecond", 503, "too-many-a-second", "Too many clients connect at this moment; come back in a moment.")]
    [InlineData("TooManyHandshakes", 503, "too-many-handshakes", "Too many clients are being connected; come back in a moment.")]
    [InlineData("stopping", 503, "stopping", "The server is restarting; come back in a moment.")]
    public async Task Whoever_is_refused_is_told_why_and_may_come_back(string why, int status, string reason, string sentence)
    {
        using var counts = new Counts();
        using var loggers = LoggerFactory.Create(static _ => { });
        var body = new MemoryStream();
        var context = new DefaultHttpContext { Response = { Body = body } };

        await (why == "stopping"
            ? Refusal.StoppingAsync(context)
            : Refusal.NoRoomAsync(context, Enum.Parse<ConnectionAdmission>(why), new RefusalLog(loggers.CreateLogger<RefusalLog>(), TimeProvider.System)));

        Assert.Equal((status, "5", "text/plain; charset=utf-8"), (context.Response.StatusCode, context.Response.Headers.RetryAfter.ToString(), context.Response.ContentType));
        Assert.Equal(sentence, System.Text.Encoding.UTF8.GetString(body.ToArray()));
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsRefused, reason]);
    }

    [Fact]
    public async Task An_application_that_maps_consumers_without_Runnel_is_told_what_to_call()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();
        Action[] maps =
        [
            () => app.MapConsumer("/a", static _ => { }),
            () => app.MapDemultiplexer("/b", static _ => { }),
            () => app.MapJobs("/c"),
        ];

        Assert.All(maps, static map => Assert.Equal(
            "Runnel is not registered: call builder.Services.AddRunnel() before the application is built.", Assert.Throws<InvalidOperationException>(map).Message));
    }

    [Theory]
    [InlineData(CloseCode.InternalError, 500)]
    [InlineData(CloseCode.ServiceRestart, 503)]
    [InlineData(CloseCode.TryAgainLater, 503)]
    [InlineData(4001, 403)]
    public async Task A_consumer_that_closes_before_it_accepts_refuses_with_what_its_code_means(int code, int status)
    {
        await using var app = await RunnelApp.StartInMemoryAsync(app => app.MapConsumer("/ws", c => c.OnConnect((connection, ct) => connection.CloseAsync(code, null, ct))));
        await using var client = app.Communicator("/ws");

        Assert.False(await client.ConnectAsync());

        Assert.Equal(status, client.RefusedWith);
    }

    [Fact]
    public async Task A_callback_of_the_application_that_throws_when_the_client_is_gone_is_logged_and_the_connection_ends()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(app => app.MapConsumer("/ws", c => c.OnConnect(async (connection, ct) =>
        {
            connection.Gone.Register(static () => throw new InvalidOperationException("a fault of the application"));
            await connection.AcceptAsync(AcceptOptions.Default, ct);
        })));
        var client = await app.ConnectInMemoryAsync("/ws");

        await client.DisconnectAsync();
        await Wait.Until(() => app.Limits.AddressCount == 0 && app.Node.ConnectionCount == 0, "the connection has ended");

        Assert.Single(app.Logs.Of(2008));
    }

    [Fact]
    public async Task The_scope_knows_where_its_client_is()
    {
        await using var app = await RunnelApp.StartAsync(app => app.MapConsumer("/ws", c => c.OnConnect(async (connection, ct) =>
        {
            await connection.AcceptAsync(AcceptOptions.Default, ct);
            await connection.SendAsync($"{connection.Scope.RemoteAddress}", ct);
        })));
        var client = await app.ConnectRawAsync("/ws");

        Assert.Equal(IPAddress.Loopback.ToString(), System.Text.Encoding.UTF8.GetString((await client.ReadFrameAsync()).Payload));
    }

    [Fact]
    public async Task The_browsers_client_is_asked_for_anew_and_sent_again_only_if_it_is_another()
    {
        await using var app = await RunnelApp.StartAsync(static app => app.MapRunnelClient());
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = app.Address, Timeout = Wait.Limit };
        using var first = await http.GetAsync(new Uri("/_runnel/client.js", UriKind.Relative));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/_runnel/client.js", UriKind.Relative));
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);

        using var second = await http.SendAsync(request);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NotModified), (first.StatusCode, second.StatusCode));
        Assert.Equal(("text/javascript", true), (first.Content.Headers.ContentType?.MediaType, first.Headers.CacheControl?.NoCache));
    }

    [Theory]
    [InlineData("MaxConnections")]
    [InlineData("CrashLimit")]
    [InlineData("MaxGroupMessageBytes")]
    public async Task Options_that_make_no_sense_are_refused_at_the_start_by_their_names(string option)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => RunnelApp.StartInMemoryAsync(static _ => { }, builder =>
        {
            if (option == "MaxConnections")
                builder.With(static (GatewayOptions options) => options.MaxConnections = 0);
            else if (option == "CrashLimit")
                builder.Services.Configure<WorkerOptions>(static options => options.CrashLimit = 0);
            else
                builder.With(static (RunnelOptions options) => options.MaxGroupMessageBytes = 0);
        }));

        Assert.Contains(option, refused.Message, StringComparison.Ordinal);
    }
}
