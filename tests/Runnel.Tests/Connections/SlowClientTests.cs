using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Sockets;
using Runnel.Handover;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Clients that do not read as fast as their groups are written to, or at all.</summary>
[Collection(nameof(Metered))]
public sealed class SlowClientTests
{
    private static readonly string Large = new('x', 64 * 1024);

    [Fact]
    public async Task A_client_that_never_reads_is_cut_in_time_and_the_others_get_everything_in_order()
    {
        var clock = new ManualTimeProvider();
        using var counts = new Counts();
        await using var app = await StartAsync(OutboundPolicy.Disconnect, clock);
        var reader = await app.ConnectAsync("/ws");
        var deaf = await app.ConnectRawAsync("/ws");
        await app.JoinedAsync("all", 2);

        var received = ReadAsync(reader, 200);
        for (var i = 0; i < 200; i++)
            await SendPacedAsync(app, i, received);

        Assert.Equal(Enumerable.Range(0, 200), await Wait.For(received.Numbers, "all messages"));
        await Wait.Until(() => app.Logs.Of(2004).Any(), "the deaf one is cut");
        // In small steps, which do not reach the keep-alive however late the server is.
        await clock.MoveUntil(TimeSpan.FromSeconds(1), () => app.Node.ConnectionCount == 1, "the deaf one is gone");
        Assert.Empty(app.Logs.Of(2005).Concat(app.Logs.Of(2013))); // the keep-alive would have ended it, too, hours later
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsCut, "slow"]);
        Assert.True(counts[RunnelTelemetry.FramesDropped, nameof(OutboundPolicy.Disconnect)] > 0);
        deaf.Dispose();
    }

    [Fact]
    public void When_a_client_is_cut_the_frame_that_did_not_fit_is_counted_with_those_that_waited()
    {
        using var counts = new Counts();
        var writer = new FakeWriter();
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 3 }, writer);
        writer.Block();
        for (var i = 0; i < 4; i++) // one on the wire, and three that wait
        {
            if (queue.Post(Frame.OfGroup(FrameKind.Text, new byte[10])))
                queue.Drain();
        }

        queue.Post(Frame.OfGroup(FrameKind.Text, new byte[10]));

        Assert.Equal(1, writer.Overflows);
        Assert.Equal(4, counts[RunnelTelemetry.FramesDropped, nameof(OutboundPolicy.Disconnect)]);
    }

    [Theory]
    [InlineData(OutboundPolicy.DropOldest)]
    [InlineData(OutboundPolicy.LatestOnly)]
    public async Task A_message_of_a_group_that_finds_only_the_consumers_own_before_it_is_dropped_and_counted(OutboundPolicy policy)
    {
        using var counts = new Counts();
        var writer = new FakeWriter();
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 2, Policy = policy }, writer);
        writer.Block();
        foreach (var text in new[] { "on the wire", "own 1", "own 2" })
            await queue.SendAsync(Frame.Text(text));

        queue.Post(Frame.OfGroup(FrameKind.Text, "of the group"u8));

        Assert.Equal((1, 0), (counts[RunnelTelemetry.FramesDropped, policy.ToString()], writer.Overflows));
        writer.Unblock();
        await Wait.For(queue.FinishAsync(null), "the queue to finish");
        Assert.Equal(["on the wire", "own 1", "own 2"], writer.Texts);
    }

    [Fact]
    public async Task Ten_thousand_messages_at_once_cut_nobody_who_reads()
    {
        await using var app = await StartAsync(OutboundPolicy.Disconnect, new ManualTimeProvider());
        var readers = new List<Reading>();
        for (var i = 0; i < 20; i++)
            readers.Add(ReadAsync(await app.ConnectAsync("/ws"), 10_000));
        await app.JoinedAsync("all", 20);
        var text = new string('x', 94);

        for (var i = 0; i < 10_000; i++)
            await app.Groups.SendAsync("all", $"{i:00000}:{text}");

        foreach (var reader in readers)
            Assert.Equal(Enumerable.Range(0, 10_000), await Wait.For(reader.Numbers, "all messages"));
        Assert.Empty(app.Logs.Of(2004));
    }

    [Theory]
    [InlineData(HttpProtocols.Http1, false)]
    [InlineData(HttpProtocols.Http2, false)]
    [InlineData(HttpProtocols.Http1, true)]
    public async Task A_client_that_never_reads_is_cut_though_its_consumer_still_waits_to_send(HttpProtocols protocol, bool inAWorker)
    {
        using var counts = new Counts();
        var clock = new ManualTimeProvider();
        var letGo = new TaskCompletionSource();
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnReceive(async (_, connection, ct) =>
            {
                using var gone = ct.Register(letGo.SetResult);
                while (!ct.IsCancellationRequested)
                    await connection.SendAsync(Large, ct);
            })),
            builder => builder.With(clock).With(static (RunnelOptions options) => options.NodeLease = TimeSpan.FromMinutes(10)),
            listen => listen.Protocols = protocol,
            inAWorker);
        var deaf = protocol == HttpProtocols.Http2 ? await app.ConnectRawOverHttp2Async("/ws") : await app.ConnectRawAsync("/ws");
        // As much as the gateway waits with until a consumer in a worker has handled it, too. So a consumer is at work before time passes: else the client may be cut because it is silent.
        await deaf.SendTextAsync(new string('x', HandedSession.MostOpenBytes));
        var socket = app.Node.Connections.OfType<WebSocketConnection>().Single();
        await Wait.Until(() => socket.IsHandling, "the consumer is at work");

        // In small steps, so that the lease of its worker does not end meanwhile.
        await clock.MoveUntil(TimeSpan.FromSeconds(1), () => app.Node.ConnectionCount == 0, "the deaf one is gone");
        await Wait.For(letGo.Task, "its consumer is let go");

        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsCut, "stalled"]);
        Assert.Single(app.Logs.Of(2013));
        Assert.Empty(app.Logs.Of(1001).Concat(app.Logs.Of(1060)));
    }

    [Fact]
    public async Task A_client_that_never_reads_is_cut_in_time_when_its_consumer_in_a_worker_closes_it()
    {
        var clock = new ManualTimeProvider();
        var (sent, close) = (0, new TaskCompletionSource());
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnReceive(async (_, connection, cancellationToken) =>
            {
                for (; !close.Task.IsCompleted; Interlocked.Increment(ref sent))
                    await Task.WhenAny(connection.SendAsync(Large, CancellationToken.None).AsTask(), close.Task);
                await connection.CloseAsync(cancellationToken: cancellationToken);
            })),
            builder => builder.With(clock).With(static (GatewayOptions options) => (options.KeepAliveInterval, options.KeepAliveTimeout) = (TimeSpan.FromHours(1), TimeSpan.FromHours(2)))
                .With(static (RunnelOptions options) => options.NodeLease = TimeSpan.FromMinutes(10)),
            inAWorker: true);
        var deaf = await app.ConnectRawAsync("/ws");
        await deaf.SendTextAsync("go");
        var (seen, times) = (0, 0);
        await Wait.Until(
            () =>
            {
                times = Volatile.Read(ref sent) is var now && now == seen && now > 0 ? times + 1 : 0;
                seen = now;
                return times == 20;
            },
            "nothing more goes to the client");

        close.SetResult();

        // In small steps, which do not reach the keep-alive however late the worker is.
        await clock.MoveUntil(TimeSpan.FromSeconds(1), () => app.Node.ConnectionCount == 0, "the deaf one is gone");
        Assert.Empty(app.Logs.Of(2005).Concat(app.Logs.Of(2013)).Concat(app.Logs.Of(1060))); // the keep-alive would have ended it, too, or the death of its worker
    }

    [Fact]
    public async Task A_client_that_is_cut_and_reads_on_learns_why()
    {
        await using var app = await StartAsync(OutboundPolicy.Disconnect, new ManualTimeProvider());
        var slow = await app.ConnectRawAsync("/ws");
        await app.JoinedAsync("all", 1);
        for (var i = 0; !app.Logs.Of(2004).Any(); i++)
            await app.Groups.SendAsync("all", $"{i}:{Large}");

        Assert.Equal(CloseCode.TryAgainLater, await slow.ReadToCloseAsync());
    }

    [Fact]
    public async Task The_consumer_of_a_client_that_is_cut_learns_why()
    {
        var clock = new ManualTimeProvider();
        await using var app = await StartAsync(OutboundPolicy.Disconnect, clock);
        await app.ConnectRawAsync("/ws");
        await app.JoinedAsync("all", 1);
        for (var i = 0; !app.Logs.Of(2004).Any(); i++)
            await app.Groups.SendAsync("all", $"{i}:{Large}");

        await clock.MoveUntil(new GatewayOptions().CloseTimeout, () => app.Node.ConnectionCount == 0, "the deaf one is gone");

        Assert.Equal($"end {CloseCode.TryAgainLater}", await app.Journal.NextAsync());
    }

    [Theory]
    [InlineData(OutboundPolicy.DropOldest)]
    [InlineData(OutboundPolicy.LatestOnly)]
    public async Task A_client_served_with_a_policy_that_drops_gets_the_newest_and_what_it_missed_is_counted(OutboundPolicy policy)
    {
        using var counts = new Counts();
        await using var app = await StartAsync(policy, new ManualTimeProvider());
        var slow = await app.ConnectRawAsync("/ws");
        await app.JoinedAsync("all", 1);

        var sent = 0;
        for (; counts[RunnelTelemetry.FramesDropped, policy.ToString()] < 20; sent++)
            await app.Groups.SendAsync("all", $"{sent}:{Large}");
        var numbers = new List<int>();
        while (numbers.LastOrDefault(-1) != sent - 1)
            numbers.Add(NumberOf((await slow.ReadFrameAsync()).Payload));

        Assert.Equal(numbers.Order(), numbers);
        Assert.Equal(counts[RunnelTelemetry.FramesDropped, policy.ToString()], sent - numbers.Count);
        Assert.Equal(1, app.Node.ConnectionCount);
    }

    [Fact]
    public async Task What_a_consumer_sends_itself_is_never_dropped_and_waits_for_its_client()
    {
        await using var app = await RunnelApp.StartAsync(app => app.MapConsumer(
            "/ws",
            c => c.OnReceive(async (_, connection, ct) =>
            {
                var journal = (Journal)app.Services.GetService(typeof(Journal))!;
                for (var i = 0; i < 300; i++)
                {
                    await connection.SendAsync($"{i}:{Large}", ct);
                    journal.Write("sent");
                }
            }),
            options => (options.Outbound.Policy, options.Outbound.MaxMessages) = (OutboundPolicy.DropOldest, 8)));
        var slow = await app.ConnectRawAsync("/ws");

        await slow.SendTextAsync("go");
        await app.Journal.NextAsync();
        var numbers = new List<int> { NumberOf((await slow.ReadFrameAsync()).Payload) };
        Assert.True(app.Journal.Unread < 299, "The consumer did not wait for its client.");
        while (numbers.Count < 300)
            numbers.Add(NumberOf((await slow.ReadFrameAsync()).Payload));

        Assert.Equal(Enumerable.Range(0, 300), numbers);
    }

    [Fact]
    public async Task One_in_twenty_that_does_not_read_costs_the_others_nothing()
    {
        await using var app = await StartAsync(OutboundPolicy.Disconnect, new ManualTimeProvider());
        var readers = new List<Reading>();
        for (var i = 0; i < 40; i++)
        {
            if (i % 20 == 0)
                await app.ConnectRawAsync("/ws");
            else
                readers.Add(ReadAsync(await app.ConnectAsync("/ws"), 100));
        }
        await app.JoinedAsync("all", 40);

        for (var i = 0; i < 100; i++)
            await SendPacedAsync(app, i, [.. readers]);

        foreach (var reader in readers)
            Assert.Equal(Enumerable.Range(0, 100), await Wait.For(reader.Numbers, "all messages"));
    }

    private static Task<RunnelApp> StartAsync(OutboundPolicy policy, ManualTimeProvider clock) => RunnelApp.StartAsync(
        app => app.MapConsumer<Member>("/ws", options => options.Outbound.Policy = policy), builder => builder.With(clock).With(
            (GatewayOptions options) => (options.KeepAliveInterval, options.KeepAliveTimeout) = (TimeSpan.FromHours(1), TimeSpan.FromHours(2))));

    // A reader that keeps up must not be cut with the one that does not: never more than a few messages ahead of it.
    private static async Task SendPacedAsync(RunnelApp app, int number, params Reading[] readers)
    {
        foreach (var reader in readers)
            await Wait.Until(() => number - reader.Count < 8, "the reader keeps up");
        await Wait.For(app.Groups.SendAsync("all", $"{number}:{Large}").AsTask(), "the publisher, which waits for no client");
    }

    private static Reading ReadAsync(ClientWebSocket client, int count) => new(client, count);

    private static int NumberOf(byte[] payload) => int.Parse(Encoding.UTF8.GetString(payload).Split(':')[0], null);

    private sealed class Reading
    {
        private int _count;

        public Reading(ClientWebSocket client, int count) => Numbers = Task.Run(async () =>
        {
            var numbers = new List<int>();
            while (numbers.Count < count)
            {
                numbers.Add(NumberOf((await client.ReceiveAsync()).Content));
                Volatile.Write(ref _count, numbers.Count);
            }
            return numbers;
        });

        public Task<List<int>> Numbers { get; }

        public int Count => Volatile.Read(ref _count);
    }

    public sealed class Member(Journal journal) : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("all", cancellationToken);
        }

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            journal.Write($"end {code}");
            return Task.CompletedTask;
        }
    }
}
