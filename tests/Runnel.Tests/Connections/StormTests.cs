using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Admission;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recovery;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Many clients that connect at once: what is taken, and what becomes of the others.</summary>
[Collection(nameof(Metered))]
public sealed class StormTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task More_new_connections_than_a_second_may_have_are_answered_with_503_and_come_in_later()
    {
        using var counts = new Counts();
        await using var app = await StartAsync(options => options.MaxConnectionsPerSecond = 4);
        for (var i = 0; i < 4; i++)
            await app.ConnectAsync("/ws");

        await AssertRefusedAsync(app);
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        await app.ConnectAsync("/ws");
        await app.ConnectAsync("/ws");

        await AssertRefusedAsync(app);
        Assert.Equal(2, counts[RunnelTelemetry.ConnectionsRefused, "too-many-a-second"]);
    }

    [Fact]
    public async Task However_long_it_was_calm_no_more_come_in_at_once_than_a_second_may_have()
    {
        await using var app = await StartAsync(options => options.MaxConnectionsPerSecond = 1);
        _clock.Advance(TimeSpan.FromSeconds(10));
        await app.ConnectAsync("/ws");

        await AssertRefusedAsync(app);
    }

    [Fact]
    public async Task Clients_that_have_not_said_hello_are_bounded_and_the_others_wait_outside()
    {
        using var counts = new Counts();
        await using var app = await StartAsync(options => options.MaxHandshakes = 2);
        var silent = await GreetAsync(app);
        var broken = await GreetAsync(app);
        await AssertRefusedAsync(app);

        broken.Abort();
        await Wait.Until(() => HandshakesOf(app) == 1, "the one that broke off gave its place back");
        var greeted = new GreetedClient();
        await greeted.ConnectAsync(app, "/ws");
        await greeted.ReceiveJoinedAsync();
        await Wait.Until(() => HandshakesOf(app) == 1, "the one that said hello gave its place back");
        var closed = silent.ReceiveToCloseAsync();
        await _clock.MoveUntil(TimeSpan.FromSeconds(1), () => closed.IsCompleted, "the silent one is closed");
        await _clock.MoveUntil(TimeSpan.FromSeconds(1), () => HandshakesOf(app) == 0, "the silent one gave its place back");

        Assert.Equal(CloseCode.TryAgainLater, await closed);
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsRefused, "too-many-handshakes"]);
    }

    [Fact]
    public async Task Consumers_that_connect_slowly_are_bounded_and_a_place_is_free_again_whatever_they_decide()
    {
        var (entered, gate) = (new SemaphoreSlim(0), new TaskCompletionSource());
        await using var app = await StartAsync(options => options.MaxHandshakes = 3, async (connection, ct) =>
        {
            entered.Release();
            await gate.Task;
            if (connection.Scope.Query("as") == "refused")
                await connection.RejectAsync(ct);
            else if (connection.Scope.Query("as") == "failed")
                throw new InvalidOperationException("The consumer fails.");
            else
                await connection.AcceptAsync(AcceptOptions.Default, ct);
        });
        Task[] connecting = [app.ConnectAsync("/slow"), app.ConnectAsync("/slow?as=refused"), app.ConnectAsync("/slow?as=failed")];
        for (var i = 0; i < connecting.Length; i++)
            Assert.True(await entered.WaitAsync(Wait.Limit));
        await AssertRefusedAsync(app);

        gate.SetResult();
        await connecting[0];
        await Assert.ThrowsAsync<WebSocketException>(() => connecting[1]);
        await Assert.ThrowsAsync<WebSocketException>(() => connecting[2]);

        await Wait.Until(() => HandshakesOf(app) == 0, "all places are free");
    }

    [Fact]
    public async Task Refusals_are_logged_once_in_five_seconds_with_their_number_and_take_no_place()
    {
        await using var app = await StartAsync(options => options.MaxConnections = 1);
        await app.ConnectAsync("/ws");

        for (var i = 0; i < 10; i++)
            await AssertRefusedAsync(app);
        _clock.Advance(TimeSpan.FromSeconds(4));
        await AssertRefusedAsync(app);
        Assert.Contains("0 more", Assert.Single(app.Logs.Of(2002)).Text, StringComparison.Ordinal);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await AssertRefusedAsync(app);

        Assert.Contains("10 more", app.Logs.Of(2002).Last().Text, StringComparison.Ordinal);
        Assert.Equal(2, app.Logs.Of(2002).Count());
        await Wait.Until(() => HandshakesOf(app) == 0, "no place is taken"); // the one that was let in gives its place back some time after its client has connected
    }

    private Task<RunnelApp> StartAsync(Action<GatewayOptions> configure, Func<Connection, CancellationToken, Task>? connect = null) => RunnelApp.StartAsync(
        app =>
        {
            app.MapConsumer<GroupsConsumer>("/ws");
            app.MapConsumer("/slow", c => c.OnConnect(connect ?? (static (connection, ct) => connection.AcceptAsync(AcceptOptions.Default, ct))));
        },
        builder => builder.With(_clock).With(configure));

    private static Task<ClientWebSocket> GreetAsync(RunnelApp app) => app.ConnectAsync("/ws", options => options.AddSubProtocol(ClientHello.Subprotocol));

    private static int HandshakesOf(RunnelApp app) => app.Services.GetRequiredService<Handshakes>().Count;

    private static async Task AssertRefusedAsync(RunnelApp app)
    {
        using var client = new ClientWebSocket();
        client.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(app.WebSocketAddress("/ws"), CancellationToken.None));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, client.HttpStatusCode);
        Assert.Equal(["5"], client.HttpResponseHeaders!["Retry-After"]);
    }
}
