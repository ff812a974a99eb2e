using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Sockets;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Clients that break the WebSocket protocol, by mistake or on purpose.</summary>
public sealed class ProtocolTests
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    [Fact]
    public async Task The_handshake_is_answered_as_the_rfc_has_it()
    {
        await using var app = await StartAsync();
        var client = await app.DialAsync();

        await client.SendAsync(Handshake());

        var head = await client.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 101", head, StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handshake_may_offer_other_protocols_beside_websocket()
    {
        await using var app = await StartAsync();
        var client = await app.DialAsync();

        await client.SendAsync(Handshake(upgrade: "h2c, WebSocket", connection: "keep-alive, Upgrade"));

        Assert.StartsWith("HTTP/1.1 101", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_handshake_is_answered_with_400_and_a_sentence()
    {
        await using var app = await StartAsync();
        string[] nonsense =
        [
            "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
            Handshake(version: "12"),
            Handshake(version: ""),
            Handshake(key: "short"),
            Handshake(key: "!!!!!!!!!!!!!!!!!!!!!!!!"),
            Handshake(key: ""),
            Handshake(upgrade: "h2c"),
            Handshake(upgrade: "websocketx"),
            Handshake(upgrade: "xwebsocket/1"),
            Handshake(connection: "Upgradex"),
            Handshake(connection: "keep-alive"),
            Handshake(version: "13, 8"),
            Handshake(key: $"{Key}, {Key}"),
            Handshake(method: "POST"),
            Handshake().Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal),
        ];

        foreach (var request in nonsense)
        {
            using var client = await app.DialAsync();
            await client.SendAsync(request);
            var head = await client.ReadHeadAsync();
            Assert.StartsWith("HTTP/1.1 400", head, StringComparison.Ordinal);
            Assert.Contains("Sec-WebSocket-Version: 13", head, StringComparison.Ordinal);
        }
        Assert.Equal(0, app.Node.ConnectionCount);
    }

    [Theory]
    [InlineData("no handshake", "connect with ws:// or wss://.")]
    [InlineData("no handshake over HTTP/2", "connect with ws:// or wss://.")]
    [InlineData("another method", "ask with GET, HTTP/1.1 and 'Upgrade: websocket'.")]
    [InlineData("another protocol", "ask with GET, HTTP/1.1 and 'Upgrade: websocket'.")]
    [InlineData("another version", "send 'Sec-WebSocket-Version: 13'.")]
    [InlineData("no key", "The handshake needs a 'Sec-WebSocket-Key' of 16 bytes in base64.")]
    public void The_sentence_says_what_is_wrong_with_a_handshake(string what, string sentence)
    {
        var context = new DefaultHttpContext();
        if (what == "no handshake over HTTP/2")
            context.Features.Set<IHttpExtendedConnectFeature>(new OtherThanWebSocket());
        else if (what != "no handshake")
            context.Features.Set<IHttpUpgradeFeature>(new Upgradable());
        (context.Request.Method, context.Request.Protocol) = (what == "another method" ? "POST" : "GET", "HTTP/1.1");
        context.Request.Headers.Upgrade = what == "another protocol" ? "h2c" : "websocket";
        context.Request.Headers.SecWebSocketVersion = what == "another version" ? "12" : "13";
        context.Request.Headers.SecWebSocketKey = what == "no key" ? "" : Key;

        Assert.False(WebSocketHandshake.IsValid(context, out var problem));

        Assert.EndsWith(sentence, problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unmasked_frame_closes_with_1002() => await BreaksAsync(client => client.SendFrameAsync(1, "no mask"u8, masked: false), CloseCode.ProtocolError);

    [Fact]
    public async Task A_reserved_bit_closes_with_1002() => await BreaksAsync(client => client.SendFrameAsync(1, "x"u8, reserved: 4), CloseCode.ProtocolError);

    [Fact]
    public async Task A_reserved_kind_closes_with_1002() => await BreaksAsync(client => client.SendFrameAsync(3, "x"u8), CloseCode.ProtocolError);

    [Fact]
    public async Task A_continuation_of_nothing_closes_with_1002() => await BreaksAsync(client => client.SendFrameAsync(0, "x"u8), CloseCode.ProtocolError);

    [Fact]
    public async Task A_control_frame_too_large_closes_with_1002() => await BreaksAsync(client => client.SendFrameAsync(9, new byte[126]), CloseCode.ProtocolError);

    [Fact]
    public async Task A_control_frame_in_pieces_closes_with_1002() => await BreaksAsync(client => client.SendFrameAsync(9, "x"u8, final: false), CloseCode.ProtocolError);

    [Fact]
    public async Task A_close_with_half_a_code_closes_with_1002() => await BreaksAsync(client => client.SendFrameAsync(8, [3]), CloseCode.ProtocolError);

    [Fact]
    public async Task Text_that_is_no_utf8_closes_with_1007() => await BreaksAsync(client => client.SendFrameAsync(1, [0xC3, 0x28]), CloseCode.InvalidPayload);

    [Fact]
    public async Task Random_bytes_end_their_own_connection_and_nothing_else()
    {
        await using var app = await StartAsync();
        var good = await app.ConnectAsync("/ws");
        for (var i = 0; i < 20; i++)
        {
            using var client = await app.ConnectRawAsync("/ws");
            var bytes = RandomNumberGenerator.GetBytes(2000);
            bytes[0] |= 0x70; // the reserved bits: nonsense from the first byte on
            await client.SendAsync(bytes);
            await client.ReadToEndAsync();
        }
        using (var client = await app.DialAsync())
        {
            var bytes = RandomNumberGenerator.GetBytes(2000);
            bytes[^1] = (byte)'\n'; // so that there is a line: the server waits for the end of one
            await client.SendAsync(bytes);
            await client.ReadToEndAsync();
        }

        await good.SendTextAsync("still here");

        Assert.Equal("still here", await good.ReceiveTextAsync());
        await Wait.Until(() => app.Node.ConnectionCount == 1, "the others are gone");
        Assert.Empty(app.Logs.Of(1001));
        Assert.Empty(app.Logs.Of(2006));
    }

    [Fact]
    public async Task A_client_that_breaks_the_protocol_in_the_middle_of_much_still_learns_why()
    {
        await using var app = await StartAsync();
        var client = await app.ConnectRawAsync("/ws");

        await client.SendFrameAsync(3, "x"u8);
        var more = client.SendAsync(new byte[200_000]);

        Assert.Equal(CloseCode.ProtocolError, await client.ReadCloseAsync());
        await Record.ExceptionAsync(() => more);
    }

    [Fact]
    public async Task A_close_is_answered_with_its_own_code_and_the_connection_ends()
    {
        await using var app = await StartAsync();
        var client = await app.ConnectRawAsync("/ws");

        await client.SendFrameAsync(8, [0x0F, 0xA1]); // 4001

        Assert.Equal(4001, await client.ReadCloseAsync());
        Assert.Empty(await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_client_that_does_not_answer_a_close_is_cut_in_time()
    {
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnReceive((_, connection, ct) => connection.CloseAsync(4000, null, ct))), builder => builder.With(clock).With((Action<GatewayOptions>)NoKeepAlive));
        var client = await app.ConnectRawAsync("/ws");
        await client.SendTextAsync("close, please");
        Assert.Equal(4000, await client.ReadCloseAsync());
        Assert.Equal(1, app.Node.ConnectionCount);

        await clock.MoveUntil(new GatewayOptions().CloseTimeout, () => app.Node.ConnectionCount == 0, "the client is cut");
        Assert.Empty(app.Logs.Of(2005));

        Assert.Empty(await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_client_that_is_being_closed_has_its_time_for_that_and_is_not_taken_for_dead()
    {
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnReceive((_, connection, ct) => connection.CloseAsync(4000, null, ct))),
            builder => builder.With(clock).With(static (GatewayOptions options) => (options.KeepAliveInterval, options.KeepAliveTimeout, options.CloseTimeout) =
                (TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(200), TimeSpan.FromMinutes(10))));
        var closing = await app.ConnectRawAsync("/ws");
        await closing.SendTextAsync("close, please");
        Assert.Equal(4000, await closing.ReadCloseAsync());

        for (var i = 1; i <= 2; i++)
        {
            await app.ConnectRawAsync("/ws");
            await Wait.Until(() => app.Node.ConnectionCount == 2, "another one is there");
            await clock.MoveUntil(TimeSpan.FromMilliseconds(50), () => app.Logs.Of(2005).Count() >= i, "the other one is taken for dead");
            await Wait.Until(() => app.Node.ConnectionCount < 2, "the other one is cut");
        }

        Assert.Equal((1, 2), (app.Node.ConnectionCount, app.Logs.Of(2005).Count()));
        await closing.SendFrameAsync(8, [0x0F, 0xA0]);
        Assert.Empty(await closing.ReadToEndAsync());
    }

    [Fact]
    public async Task A_client_that_closes_and_reads_nothing_is_cut_in_time()
    {
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnConnect(async (connection, ct) =>
            {
                await connection.AcceptAsync(AcceptOptions.Default, ct);
                for (var i = 0; i < 200; i++)
                    _ = connection.SendAsync(new byte[64 * 1024], ct).AsTask();
            })), builder => builder.With(clock).With((Action<GatewayOptions>)NoKeepAlive));
        var client = await app.ConnectRawAsync("/ws");

        await client.SendFrameAsync(8, [3, 232]);

        // In small steps, which do not reach the keep-alive however late the server is.
        await clock.MoveUntil(TimeSpan.FromSeconds(1), () => app.Node.ConnectionCount == 0, "the client is cut");
        Assert.Empty(app.Logs.Of(2005));
    }

    [Fact]
    public async Task A_client_that_falls_silent_is_pinged_and_then_cut()
    {
        using var counts = new Counts();
        var clock = new ManualTimeProvider();
        var (interval, timeout) = (TimeSpan.FromSeconds(1), TimeSpan.FromHours(2)); // so far apart that looking for the one does not reach the other
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", Echo),
            builder => builder.With(clock).With((Action<GatewayOptions>)(options => (options.KeepAliveInterval, options.KeepAliveTimeout) = (interval, timeout))));
        var client = await app.ConnectRawAsync("/ws");
        await client.SendTextAsync("hello");
        await client.ReadFrameAsync();

        // The server notes the time after it has answered: its silence may begin later than the test can tell.
        var ping = client.ReadFrameAsync();
        await clock.MoveUntil(interval / 2, () => ping.IsCompleted, "the client is pinged");
        Assert.Equal(9, (await ping).Kind);
        await client.SendFrameAsync(10, []); // it lives
        await client.SendTextAsync("and speaks");
        while ((await client.ReadFrameAsync()).Kind is var kind && kind != 1)
            Assert.Equal(9, kind);
        Assert.Empty(app.Logs.Of(2005));
        await clock.MoveUntil(timeout, () => app.Node.ConnectionCount == 0, "the client is cut");

        await client.ReadToEndAsync();
        Assert.Single(app.Logs.Of(2005));
        Assert.True(counts[RunnelTelemetry.ConnectionsCut, "silent"] >= 1);
    }

    [Fact]
    public async Task A_client_whose_consumer_takes_long_is_not_taken_for_dead()
    {
        var clock = new ManualTimeProvider();
        var gateway = new GatewayOptions();
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnReceive(async (text, connection) =>
            {
                var journal = (Journal)app.Services.GetService(typeof(Journal))!;
                journal.Write(text);
                await journal.Gate.Task;
                await connection.SendAsync("done");
            })), builder => builder.With(clock));
        var client = await app.ConnectRawAsync("/ws");
        await client.SendTextAsync("work");
        await app.Journal.NextAsync();

        clock.Advance(gateway.KeepAliveInterval / 2);
        for (var passed = TimeSpan.Zero; passed < gateway.KeepAliveTimeout * 2; passed += gateway.KeepAliveInterval / 2)
        {
            clock.Advance(gateway.KeepAliveInterval / 2);
            Assert.Equal(9, (await client.ReadFrameAsync()).Kind); // it was looked at, and pinged
        }
        app.Journal.Gate.SetResult();

        while ((await client.ReadFrameAsync()).Kind is var kind && kind != 1)
            Assert.Equal(9, kind);
        Assert.Empty(app.Logs.Of(2005));
    }

    // So that what is cut in time was cut by the bound on closing.
    private static void NoKeepAlive(GatewayOptions options) => (options.KeepAliveInterval, options.KeepAliveTimeout) = (TimeSpan.FromHours(1), TimeSpan.FromHours(2));

    private static async Task BreaksAsync(Func<RawClient, Task> act, int code)
    {
        await using var app = await StartAsync();
        var client = await app.ConnectRawAsync("/ws");
        var other = await app.ConnectAsync("/ws");

        await act(client);

        Assert.Equal(code, await client.ReadCloseAsync());
        Assert.Empty(await client.ReadToEndAsync());
        await other.SendTextAsync("unhurt");
        Assert.Equal("unhurt", await other.ReceiveTextAsync());
        await Wait.Until(() => app.Node.ConnectionCount == 1, "the connection is forgotten");
        Assert.Empty(app.Logs.Of(1001));
    }

    private static Task<RunnelApp> StartAsync() => RunnelApp.StartAsync(app => app.MapConsumer("/ws", Echo));

    private static void Echo(ConsumerBuilder consumer) => consumer.OnReceive((text, connection) => connection.SendAsync(text));

    private static string Handshake(string method = "GET", string version = "13", string key = Key, string upgrade = "websocket", string connection = "Upgrade") =>
        $"{method} /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: {upgrade}\r\nConnection: {connection}\r\n{(method == "POST" ? "Content-Length: 0\r\n" : "")}"
        + $"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n\r\n";

    private sealed class Upgradable : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public Task<Stream> UpgradeAsync() => throw new NotSupportedException();
    }

    private sealed class OtherThanWebSocket : IHttpExtendedConnectFeature
    {
        public bool IsExtendedConnect => true;

        public string Protocol => "webtransport";

        public ValueTask<Stream> AcceptAsync() => throw new NotSupportedException();
    }
}
