using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Sockets;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Clients that send more often than their endpoint allows. Everything that costs the server counts.</summary>
[Collection(nameof(Metered))]
public sealed class InboundRateTests
{
    private const int Burst = 20;

    [Theory]
    [InlineData(FrameKind.Text, HttpProtocols.Http1)]
    [InlineData(FrameKind.Ping, HttpProtocols.Http1)]
    [InlineData(FrameKind.Pong, HttpProtocols.Http1)]
    [InlineData(FrameKind.Ping, HttpProtocols.Http2)]
    public async Task More_frames_than_allowed_close_the_connection_and_the_client_is_told_why(FrameKind kind, HttpProtocols protocol)
    {
        using var counts = new Counts();
        await using var app = await StartAsync(protocol: protocol);
        var client = await ConnectAsync(app, protocol);

        await client.SendAsync(Repeat(Burst * 3, RawClient.FrameOf((int)kind, "x"u8)));

        Assert.Equal((CloseCode.PolicyViolation, "This endpoint takes 2 messages per second, and 20 at once."), await client.ReadToReasonAsync());
        await client.SendFrameAsync(8, [3, 240]);
        Assert.Empty(await client.ReadToEndAsync());
        Assert.Single(app.Logs.Of(2011));
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsCut, "too-fast"]);
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_logged_and_counted_once()
    {
        using var counts = new Counts();
        await using var app = await RunnelApp.StartAsync(app => app.MapConsumer("/ws", _ => { }, options => options.MaxMessageBytes = 10));
        var client = await app.ConnectRawAsync("/ws");

        await client.SendFrameAsync((int)FrameKind.Binary, new byte[1000]);

        Assert.Equal((CloseCode.MessageTooBig, "A message here has at most 10 bytes."), await client.ReadToReasonAsync());
        Assert.Single(app.Logs.Of(2012));
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsCut, "too-big"]);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task Empty_pieces_of_a_message_count_too(HttpProtocols protocol)
    {
        await using var app = await StartAsync(protocol: protocol);
        var client = await ConnectAsync(app, protocol);

        await client.SendFrameAsync(1, "x"u8, final: false);
        await client.SendAsync(Repeat(Burst * 3, RawClient.FrameOf(0, ""u8, final: false)));

        Assert.Equal(CloseCode.PolicyViolation, await client.ReadToCloseAsync());
    }

    [Fact]
    public async Task As_many_frames_as_allowed_come_through_and_again_when_time_has_passed()
    {
        var clock = new ManualTimeProvider();
        await using var app = await StartAsync(clock);
        var client = await app.ConnectRawAsync("/ws");

        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync(Repeat(Burst / 2, RawClient.FrameOf((int)FrameKind.Text, "x"u8)));
            await client.SendAsync(Repeat(Burst / 2, RawClient.FrameOf((int)FrameKind.Ping, "x"u8)));
            for (var k = 0; k < Burst; k++)
                await client.ReadFrameAsync();
            clock.Advance(TimeSpan.FromSeconds(Burst / 2));
        }

        Assert.Empty(app.Logs.Of(2011));
    }

    [Fact]
    public void However_long_a_client_was_silent_it_may_send_no_more_at_once_than_any_other()
    {
        var clock = new ManualTimeProvider();
        var rate = new InboundRate(new ConsumerEndpointOptions { MaxMessageBurst = Burst, MaxMessagesPerSecond = 2 }, clock);
        Assert.True(rate.TryTake(1));

        clock.Advance(TimeSpan.FromHours(1));

        Assert.True(rate.TryTake(Burst));
        Assert.False(rate.TryTake(1));
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_no_news_when_its_client_is_being_closed_already()
    {
        using var counts = new Counts();
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnReceive((_, connection, ct) => connection.CloseAsync(4000, null, ct)), options => options.MaxMessageBytes = 10),
            static builder => builder.With(new ManualTimeProvider())); // the client has all the time to answer the close
        var client = await app.ConnectRawAsync("/ws");
        await client.SendTextAsync("close");
        Assert.Equal(4000, await client.ReadCloseAsync());

        await client.SendFrameAsync((int)FrameKind.Binary, new byte[1000]);
        await client.SendFrameAsync((int)FrameKind.Close, [0x0F, 0xA0]);

        Assert.Empty(await client.ReadToEndAsync());
        Assert.Empty(app.Logs.Of(2012));
        Assert.Equal(0, counts[RunnelTelemetry.ConnectionsCut, "too-big"]);
    }

    [Fact]
    public async Task A_client_that_goes_on_and_on_is_read_slowly_and_is_cut_in_time()
    {
        var clock = new ManualTimeProvider();
        await using var app = await StartAsync(clock);
        var client = await app.ConnectRawAsync("/ws");
        var flood = Repeat(100_000, RawClient.FrameOf((int)FrameKind.Ping, ""u8));
        var sent = 0;

        var flooding = Task.Run(async () =>
        {
            while (true)
            {
                await client.SendAsync(flood);
                Interlocked.Add(ref sent, flood.Length);
            }
        });
        await Wait.Until(() => app.Logs.Of(2011).Any(), "the flood is noticed");
        await clock.MoveUntil(new GatewayOptions().CloseTimeout, () => app.Node.ConnectionCount == 0, "the client is cut");

        await Assert.ThrowsAsync<IOException>(() => flooding);
        Assert.InRange(sent, 0, 64 * 1024 * 1024);
    }

    private static byte[] Repeat(int count, byte[] frame) => [.. Enumerable.Repeat(frame, count).SelectMany(bytes => bytes)];

    private static Task<RawClient> ConnectAsync(RunnelApp app, HttpProtocols protocol) =>
        protocol == HttpProtocols.Http2 ? app.ConnectRawOverHttp2Async("/ws") : app.ConnectRawAsync("/ws");

    private static Task<RunnelApp> StartAsync(ManualTimeProvider? clock = null, HttpProtocols protocol = HttpProtocols.Http1) => RunnelApp.StartAsync(
        app => app.MapConsumer(
            "/ws",
            c => c.OnReceive((text, connection) => connection.SendAsync(text)),
            options => (options.MaxMessageBurst, options.MaxMessagesPerSecond) = (Burst, 2)),
        builder => builder.With(clock ?? new ManualTimeProvider()),
        listen => listen.Protocols = protocol);
}
