using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Admission;
using Runnel.Specification;
using Runnel.Testing;
using Runnel.Tests.Recovery;
using Runnel.Workers.Running;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>How a node leaves that is told to stop, on a clock that the test moves.</summary>
public sealed class DrainTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task A_node_that_is_told_to_stop_says_so_at_once_and_takes_connections_until_the_delay_is_over()
    {
        await using var app = await StartAsync(gateway => gateway.DrainDelay = TimeSpan.FromSeconds(10));
        await using var early = await app.ConnectInMemoryAsync("/ws");
        using var http = app.Server.CreateClient();
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(http, "/ready"));

        var stopping = app.StopAsync();
        await Wait.Until(async () => await StatusOfAsync(http, "/ready") == HttpStatusCode.ServiceUnavailable, "the node is no longer ready");
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(http, "/live"));
        await using var late = await app.ConnectInMemoryAsync("/ws");
        await early.SendTextAsync("still here");
        Assert.Equal("still here", await early.ReceiveTextAsync());
        await _clock.MoveUntil(TimeSpan.FromSeconds(2), () => app.Logs.Of(2016).Any(), "the delay is over");

        Assert.Single(app.Logs.Of(2015));
        Assert.Equal((CloseCode.ServiceRestart, CloseCode.ServiceRestart), (await early.ReceiveCloseAsync(), await late.ReceiveCloseAsync()));
        await Task.WhenAll(early.DisconnectAsync(), late.DisconnectAsync());
        await stopping;
    }

    [Theory]
    [InlineData(10, 10)]
    [InlineData(0.2, 20)]
    [InlineData(0, 40)]
    public async Task Connections_close_one_after_another_and_so_do_few_in_a_short_time(double seconds, int atOnce)
    {
        await using var app = await StartAsync(gateway => gateway.DrainTime = TimeSpan.FromSeconds(seconds));
        var clients = new List<WebSocketCommunicator>();
        for (var i = 0; i < 40; i++)
        {
            clients.Add(await app.ConnectInMemoryAsync("/ws"));
            await clients[i].SendTextAsync("here"); // one that is still connecting would close when it has connected, beside those whose turn it is
            Assert.Equal("here", await clients[i].ReceiveTextAsync());
        }
        var closes = clients.Select(client => client.ReceiveCloseAsync()).ToList();

        var stopping = app.StopAsync();

        // A pause begins a moment after connections have closed, perhaps after the clock has moved on.
        await Wait.Until(() => Closed() == atOnce, "the first are closed");
        var begun = _clock.GetTimestamp();
        await _clock.MoveUntil(
            TimeSpan.FromMilliseconds(20),
            () =>
            {
                Assert.True(Closed() <= Due(), $"{Closed()} are closed, and {Due()} are due.");
                return Closed() == 40;
            },
            "all are closed");
        Assert.All(await Task.WhenAll(closes), code => Assert.Equal(CloseCode.ServiceRestart, code));
        await Task.WhenAll(clients.Select(client => client.DisconnectAsync()));
        await stopping;

        int Closed() => closes.Count(close => close.IsCompleted);
        int Due() => seconds == 0 ? 40 : (int)Math.Ceiling(40 * (_clock.GetElapsedTime(begun).TotalSeconds + 0.1) / Math.Min(seconds, 0.4));
    }

    [Fact]
    public async Task A_client_that_speaks_the_protocol_is_told_how_to_come_back()
    {
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", c => c.OnReceive((text, connection) => connection.SendAsync(text))),
            builder => builder.With(_clock).With((GatewayOptions gateway) => gateway.ReconnectWindow = TimeSpan.FromSeconds(7)));
        var client = new GreetedClient();
        await client.ConnectAsync(app, "/ws");
        await client.ReceiveJoinedAsync();
        var closed = client.ReceiveCloseAsync();

        var stopping = app.StopAsync();

        Assert.Equal(CloseCode.ServiceRestart, await closed);
        client.Cut();
        await stopping;
        Assert.Equal("""{"after":0,"within":7000}""", client.Advice!.Value.GetProperty("reconnect").GetRawText());
    }

    [Fact]
    public async Task A_worker_leaves_while_the_connections_of_its_process_are_still_served()
    {
        await using var app = await StartAsync(gateway => gateway.DrainDelay = TimeSpan.FromSeconds(10));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        var worker = app.Services.GetServices<IHostedService>().OfType<WorkerService>().Single();

        var stopping = app.StopAsync();
        await Wait.Until(() => worker.ExecuteTask!.IsCompleted, "the worker has left");

        await client.SendTextAsync("still here");
        Assert.Equal("still here", await client.ReceiveTextAsync());
        await _clock.MoveUntil(TimeSpan.FromSeconds(2), () => app.Logs.Of(2016).Any(), "the delay is over");
        Assert.Equal(CloseCode.ServiceRestart, await client.ReceiveCloseAsync());
        await client.DisconnectAsync();
        await stopping;
    }

    [Theory]
    [InlineData(20, 50, 80)]
    [InlineData(0, 10, 30)]
    public async Task The_host_waits_for_as_long_as_a_node_may_need_to_leave(int delay, int time, int seconds)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnel(options => options.ShutdownTimeout = TimeSpan.FromSeconds(5));
        builder.With((GatewayOptions gateway) => (gateway.DrainDelay, gateway.DrainTime) = (TimeSpan.FromSeconds(delay), TimeSpan.FromSeconds(time)));
        await using var app = builder.Build();

        Assert.Equal(TimeSpan.FromSeconds(seconds), app.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
    }

    [Fact]
    public async Task The_health_check_has_the_name_the_status_and_the_tags_that_the_application_says()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnel();
        builder.Services.AddHealthChecks().AddRunnel("gate", HealthStatus.Degraded, ["balanced"]);
        await using var app = builder.Build();
        var checks = app.Services.GetRequiredService<HealthCheckService>();
        var before = (await checks.CheckHealthAsync()).Entries["gate"];

        app.Services.GetRequiredService<Drain>().Begin();
        var after = (await checks.CheckHealthAsync()).Entries["gate"];

        Assert.Equal((HealthStatus.Healthy, HealthStatus.Degraded), (before.Status, after.Status));
        Assert.Equal(["balanced"], after.Tags);
    }

    [Fact]
    public async Task A_host_that_will_not_wait_so_long_is_warned_of_and_cuts_what_is_still_open()
    {
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer("/ws", _ => { }),
            builder => builder.With(_clock).Services.PostConfigure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(200)));
        var client = await app.ConnectRawAsync("/ws");
        await Wait.Until(() => app.Node.ConnectionCount == 1, "it has connected");
        Assert.Contains("HostOptions.ShutdownTimeout", Assert.Single(app.Logs.Of(2018)).Text, StringComparison.Ordinal);

        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication(); // the client is closed before the host waits at all: on a busy machine it would be cut before that
        Assert.Equal(CloseCode.ServiceRestart, await client.ReadToCloseAsync());
        var impatience = await Assert.ThrowsAnyAsync<Exception>(app.StopAsync);

        // The host may not wait for other services either.
        IEnumerable<Exception> all = impatience is AggregateException several ? several.InnerExceptions : [impatience];
        Assert.All(all, static exception => Assert.True(exception is OperationCanceledException, $"{exception}"));
        await Wait.Until(() => app.Node.ConnectionCount == 0, "it is cut");
    }

    private Task<RunnelApp> StartAsync(Action<GatewayOptions> configure) => RunnelApp.StartInMemoryAsync(
        app =>
        {
            app.MapConsumer("/ws", c => c.OnReceive((text, connection) => connection.SendAsync(text)));
            app.MapChannel("payments", static (string _) => { });
            app.MapHealthChecks("/ready", new() { Predicate = static check => check.Tags.Contains("ready") });
            app.MapHealthChecks("/live", new() { Predicate = static _ => false });
        },
        builder =>
        {
            builder.Services.AddHealthChecks().AddRunnel();
            builder.With(_clock).With(configure);
        });

    private static async Task<HttpStatusCode> StatusOfAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative));
        return answer.StatusCode;
    }
}
