using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Runnel.AspNetCore;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>Sockets whose clients speak <c>runnel.v1</c>.</summary>
public abstract class GreetedEndpointTests : ConsumerTests
{
    public sealed class BesideTheSocket : GreetedEndpointTests
    {
        private protected override bool InAWorker => false;
    }

    public sealed class InTheWorker : GreetedEndpointTests
    {
        private protected override bool InAWorker => true;
    }

    [Fact]
    public async Task A_client_that_says_no_hello_in_time_is_told_to_come_back()
    {
        var clock = new ManualTimeProvider();
        await using var app = await StartAsync(clock);
        var client = await ConnectAsync(app);

        var closed = client.ReceiveToCloseAsync();
        await clock.MoveUntil(TimeSpan.FromSeconds(1), () => closed.IsCompleted, "it is closed");

        Assert.Equal((CloseCode.TryAgainLater, "No hello came in time."), (await closed, client.CloseStatusDescription));
    }

    [Fact]
    public async Task A_hello_that_is_too_large_is_refused()
    {
        await using var app = await StartAsync();
        var client = await ConnectAsync(app);

        await client.SendTextAsync($$"""{"more": "{{new string('x', ClientHello.MaxBytes)}}", "hello": {"version": 1, "client": "1f6b0c9e"} }""");

        Assert.Equal((CloseCode.MessageTooBig, "A hello has at most 65536 bytes."), (await client.ReceiveToCloseAsync(), client.CloseStatusDescription));
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("""{"hello": 1}""")]
    [InlineData("""{"hello": {"version": "1", "client": "1f6b0c9e"}}""")]
    [InlineData("""{"hello": {"version": 1, "client": "short"}}""")]
    [InlineData("""{"hello": {"version": 1, "client": "1f6b0c9e", "positions": [{"position": 1, "seal": ""}]}}""")]
    [InlineData("""{"hello": {"version": 1, "client": "1f6b0c9e", "positions": [{"stream": 1, "position": "a.b", "seal": ""}]}}""")]
    [InlineData("""{"hello": {"version": 1, "client": "1f6b0c9e", "positions": [{"stream": "\ud800", "position": "a.b", "seal": ""}]}}""")]
    public async Task What_is_no_hello_is_refused(string message)
    {
        await using var app = await StartAsync();
        var client = await ConnectAsync(app);

        await client.SendTextAsync(message);

        Assert.Equal((CloseCode.ProtocolError, "The first message of runnel.v1 is a hello of version 1."), (await client.ReceiveToCloseAsync(), client.CloseStatusDescription));
    }

    [Fact]
    public async Task A_stop_closes_clients_that_have_not_said_hello_and_those_that_have()
    {
        await using var app = await StartAsync(gateway: static options => options.HelloTimeout = TimeSpan.FromMinutes(1)); // not before the stop
        var silent = await ConnectAsync(app);
        var greeted = new GreetedClient();
        await greeted.ConnectAsync(app, "/ws");
        await greeted.ReceiveJoinedAsync();
        var closes = Task.WhenAll(silent.ReceiveAndAnswerCloseAsync(), greeted.ReceiveCloseAsync());

        await app.StopAsync();

        Assert.All(await closes, code => Assert.Equal(CloseCode.ServiceRestart, code));
    }

    [Fact]
    public async Task A_client_that_is_slower_than_its_group_is_cut_with_1013_comes_back_and_misses_nothing()
    {
        const int Messages = 400;
        await using var app = await StartAsync(configure: options => options.Outbound.MaxBytes = 64 * 1024, gateway: options => options.CloseTimeout = TimeSpan.FromMinutes(1));
        var client = new GreetedClient();
        await client.ConnectAsync(app, "/ws", options => options.SetBuffer(4096, 4096));
        await client.ReceiveJoinedAsync();
        var padding = new string('x', 8 * 1024);

        for (var i = 1; i <= Messages; i++)
            await app.Groups.SendJsonAsync("articles", $"{i} {padding}");
        var received = new List<string>();
        var cuts = 0;
        while (received.Count < Messages)
        {
            try
            {
                received.Add((await client.ReceivePayloadAsync()).GetString()!.Split(' ')[0]);
            }
            catch (InvalidOperationException)
            {
                cuts++;
                Assert.Equal(CloseCode.TryAgainLater, client.Advice?.GetProperty("code").GetInt32());
                Assert.Equal(2000, client.Advice?.GetProperty("reconnect").GetProperty("within").GetInt32());
                await client.ConnectAsync(app, "/ws");
                Assert.Equal(["recovered"], await client.ReceiveJoinedAsync());
            }
        }

        Assert.Equal(Enumerable.Range(1, Messages).Select(number => $"{number}"), received);
        Assert.True(cuts > 0, "The client was never slower than its group.");
    }

    [Fact]
    public void All_clients_of_an_endpoint_share_the_description_of_its_consumer()
    {
        var descriptor = ConsumerDescriptor.For<GroupsConsumer>();

        Assert.Same(DemultiplexerBuilder.Greeted(descriptor), DemultiplexerBuilder.Greeted(descriptor));
    }

    [Fact]
    public async Task The_in_memory_server_speaks_it_too()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<GroupsConsumer>("/ws"), builder => builder.With(static (GatewayOptions options) => options.ReconnectWindow = TimeSpan.FromSeconds(7)));
        await using var client = app.Communicator("/ws");
        client.Subprotocols.Add(ClientHello.Subprotocol);
        Assert.True(await client.ConnectAsync());
        await client.SendTextAsync("""{"hello": {"version": 1, "client": "1f6b0c9e"}}""");

        Assert.Equal("""{"hello":{"version":1,"abilities":[],"reconnect":{"after":0,"within":7000}}}""", await client.ReceiveTextAsync());
        Assert.Equal("""{"joined":[{"outcome":"new"}],"lost":[]}""", await client.ReceiveTextAsync());
        Assert.Equal(ClientHello.Subprotocol, client.Subprotocol);
    }

    [Fact]
    public async Task A_stream_that_its_consumer_neither_accepts_nor_rejects_gets_nothing_but_its_close()
    {
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", streams => streams.Stream<UndecidedConsumer>("undecided")));

        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.True((await client.ReceiveJsonAsync()).TryGetProperty("close", out _));
        Assert.True(await client.ReceivesNothingAsync());
    }

    [Fact]
    public async Task Clients_that_offer_no_subprotocol_of_ours_get_what_they_always_got()
    {
        await using var app = await StartAsync();
        var client = await app.ConnectAsync("/ws", options => options.AddSubProtocol("other"));
        await app.JoinedAsync("articles");

        await app.Groups.SendJsonAsync("articles", 1);

        Assert.Equal("1", await client.ReceiveTextAsync());
    }

    private sealed class UndecidedConsumer : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await Groups.AddAsync("secrets", cancellationToken);
            await Groups.SendAsync("secrets", "for members only", cancellationToken);
        }
    }

    private static Task<ClientWebSocket> ConnectAsync(RunnelApp app) => app.ConnectAsync("/ws", options => options.AddSubProtocol(ClientHello.Subprotocol));

    private Task<RunnelApp> StartAsync(TimeProvider? clock = null, Action<ConsumerEndpointOptions>? configure = null, Action<GatewayOptions>? gateway = null) => StartAsync(
        app => app.MapConsumer<GroupsConsumer>("/ws", configure),
        builder => builder.With(clock ?? TimeProvider.System).With(gateway ?? (static _ => { })).With((RunnelOptions options) => options.KeepHistory("articles", new Retention(1000, TimeSpan.FromMinutes(2)))));
}
