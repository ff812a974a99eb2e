using Microsoft.AspNetCore.Builder;
using Runnel.AspNetCore;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What an option says of a time is the time that is waited, and no other.</summary>
public sealed class WaitedTimesTests
{
    private static readonly TimeSpan Odd = TimeSpan.FromMilliseconds(7_013); // a time that nobody else waits

    private readonly NotingClock _clock = new();

    [Fact]
    public async Task A_client_has_the_time_for_its_hello_that_the_options_say()
    {
        await using var app = await StartAsync(options => options.HelloTimeout = Odd);

        await app.ConnectAsync("/ws", static options => options.AddSubProtocol(ClientHello.Subprotocol));

        await WaitedAsync(Odd);
    }

    [Fact]
    public async Task A_client_has_the_time_to_answer_a_close_that_the_options_say()
    {
        await using var app = await StartAsync(options => options.CloseTimeout = Odd);
        var client = await app.ConnectRawAsync("/ws");

        await client.SendTextAsync("close");

        await WaitedAsync(Odd);
    }

    [Fact]
    public async Task Clients_are_looked_after_twice_in_the_interval_that_the_options_say()
    {
        await using var app = await StartAsync(options => options.KeepAliveInterval = 2 * Odd);

        await WaitedAsync(Odd);
    }

    [Fact]
    public async Task A_node_that_stops_waits_as_long_as_the_options_say_for_load_balancers_and_for_clients()
    {
        var forClients = Odd + TimeSpan.FromMilliseconds(1);
        await using var app = await StartAsync(options => options.DrainDelay = Odd, options => options.ShutdownTimeout = forClients);
        var client = await app.ConnectRawAsync("/ws");
        await Wait.Until(() => app.Node.ConnectionCount == 1, "it has connected");

        var stopping = app.StopAsync();
        await WaitedAsync(Odd);
        _clock.Advance(Odd);
        Assert.Equal(CloseCode.ServiceRestart, await client.ReadToCloseAsync());
        await WaitedAsync(forClients);

        await client.SendFrameAsync(8, [0x03, 0xF4]);
        await stopping;
    }

    private Task<RunnelApp> StartAsync(Action<GatewayOptions> configure, Action<RunnelOptions>? more = null) => RunnelApp.StartAsync(
        static app => app.MapConsumer("/ws", static c => c.OnReceive(static (_, connection, ct) => connection.CloseAsync(4000, null, ct))),
        builder => builder.With(_clock).With(configure).With(more ?? (static _ => { })));

    private Task WaitedAsync(TimeSpan time) => Wait.Until(() => _clock.Waits.Contains(time), $"somebody waits for {time}");
}
