using System.Net.Sockets;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.AspNetCore;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What is left when clients vanish, and when the application stops.</summary>
[Collection(nameof(Metered))]
public sealed class EndingTests
{
    [Fact]
    public async Task Stopping_closes_every_socket_with_1012_and_waits_for_the_answers()
    {
        // As long as a busy machine may need for the answers.
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer<Member>("/ws"),
            builder => builder.With(static (GatewayOptions options) => options.CloseTimeout = TimeSpan.FromMinutes(1)).With(static (RunnelOptions options) => options.ShutdownTimeout = TimeSpan.FromMinutes(1)));
        var clients = new List<Task<int>>();
        for (var i = 0; i < 20; i++)
        {
            var client = await app.ConnectAsync("/ws");
            clients.Add(Task.Run(async () =>
            {
                var code = await client.ReceiveToCloseAsync();
                await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                return code;
            }));
        }

        await app.StopAsync();

        Assert.All(await Wait.For(Task.WhenAll(clients), "the clients"), code => Assert.Equal(CloseCode.ServiceRestart, code));
        Assert.Equal(0, app.Node.ConnectionCount);
        Assert.Empty(app.Logs.Of(2017));
    }

    [Fact]
    public async Task A_client_that_does_not_answer_holds_the_stop_up_no_longer_than_allowed()
    {
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer<Member>("/ws"),
            builder => builder.With(clock).With((RunnelOptions options) => options.ShutdownTimeout = TimeSpan.FromSeconds(3))
                .With(static (GatewayOptions options) => options.CloseTimeout = TimeSpan.FromMinutes(10))); // else the client may be cut for that first
        var client = await app.ConnectRawAsync("/ws");
        await Wait.Until(() => app.Registry.CountOf("all") == 1, "it has connected");

        var stopping = app.StopAsync();
        Assert.Equal(CloseCode.ServiceRestart, await client.ReadToCloseAsync());
        Assert.False(stopping.IsCompleted);
        await clock.MoveUntil(TimeSpan.FromSeconds(1), () => app.Logs.Of(2017).Any(), "the bound is reached");

        await stopping;
        Assert.Equal(0, app.Node.ConnectionCount);
    }

    [Fact]
    public async Task Who_connects_while_the_application_stops_is_answered_with_503()
    {
        using var counts = new Counts();
        await using var app = await RunnelApp.StartInMemoryAsync(app => app.MapConsumer<Member>("/ws"));
        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await using var client = app.Communicator("/ws");

        Assert.False(await client.ConnectAsync());

        Assert.Equal(503, client.RefusedWith);
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsRefused, "stopping"]);
    }

    [Fact]
    public async Task A_server_that_stops_answers_until_its_clients_are_gone_and_then_listens_no_more()
    {
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartAsync(
            app =>
            {
                app.MapConsumer<Member>("/ws");
                app.MapGet("/other", () => "as before");
            },
            builder => builder.With(clock));
        var client = await app.ConnectRawAsync("/ws");
        await Wait.Until(() => app.Registry.CountOf("all") == 1, "it has connected");
        var late = await app.DialAsync();
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = app.Address, Timeout = Wait.Limit };

        var stopping = app.StopAsync();
        Assert.Equal(CloseCode.ServiceRestart, await client.ReadToCloseAsync());

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => late.HandshakeAsync("/ws"));
        Assert.StartsWith("HTTP/1.1 503", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Retry-After: 5", refused.Message, StringComparison.Ordinal);
        Assert.Equal("as before", await http.GetStringAsync(new Uri("/other", UriKind.Relative)));
        Assert.False(stopping.IsCompleted);
        await client.SendFrameAsync(8, [3, 232]);
        await stopping;
        Assert.Equal(SocketError.ConnectionRefused, (await Assert.ThrowsAnyAsync<SocketException>(app.DialAsync)).SocketErrorCode);
    }

    [Fact]
    public async Task Who_is_connecting_when_the_application_stops_is_closed_too()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(app => app.MapConsumer("/ws", c => c.OnConnect(async (connection, ct) =>
        {
            await connection.AcceptAsync(AcceptOptions.Default, ct);
            await connection.SendAsync("accepted", ct);
            await ((Journal)app.Services.GetService(typeof(Journal))!).Gate.Task;
        })));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        await client.ReceiveTextAsync();

        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        app.Journal.Gate.SetResult();

        Assert.Equal(CloseCode.ServiceRestart, await client.ReceiveCloseAsync());
    }

    [Fact]
    public async Task A_socket_may_be_open_for_longer_than_a_request_may_take()
    {
        var timeout = new RequestTimeout();
        await using var app = await RunnelApp.StartInMemoryAsync(app => app.MapConsumer<Member>("/ws"), builder => builder.Services.AddSingleton<IStartupFilter>(timeout));

        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.True(timeout.IsDisabled);
    }

    [Fact]
    public async Task Who_was_let_in_just_before_the_application_stopped_is_closed_too()
    {
        StopsBetween? stop = null;
        await using var app = await RunnelApp.StartInMemoryAsync(
            app =>
            {
                app.Use((context, next) =>
                {
                    if (stop is not null)
                        context.Features.Set<IHttpRequestTimeoutFeature>(stop);
                    return next(context);
                });
                app.MapConsumer<Member>("/ws");
            },
            static builder => builder.With(static (RunnelOptions options) => options.ShutdownTimeout = TimeSpan.FromMinutes(1))); // it is not cut before it is closed
        await using var early = await app.ConnectInMemoryAsync("/ws");
        stop = new StopsBetween(app);

        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.Equal(CloseCode.ServiceRestart, await client.ReceiveCloseAsync());
    }

    [Fact]
    public async Task Two_hundred_clients_that_connect_and_vanish_leave_nothing_behind()
    {
        using var counts = new Counts();
        var clock = new ManualTimeProvider();
        var backplane = new InMemoryBackplane(clock);
        await using var app = await RunnelApp.StartAsync(app => app.MapConsumer<Member>("/ws"), builder => builder.With(clock).With(backplane));
        var before = backplane.TopicCount;
        var (timers, consumers) = (clock.ArmedTimers, await ConnectAndVanishAsync(app));

        await Wait.Until(() => app.Node.ConnectionCount == 0, "no session is left");
        await Wait.Until(() => app.Limits.AddressCount == 0, "no place is taken");
        Assert.Equal(0, app.Registry.CountOf("all"));
        await Wait.Until(() => counts[RunnelTelemetry.ConnectionsOpen] <= 0, "all that were counted open are counted closed"); // less, when an earlier test's end comes late
        clock.Advance(TimeSpan.FromSeconds(2));
        await Wait.Until(() => (app.Registry.Count, backplane.TopicCount) == (0, before), "no group is left");
        await Wait.Until(() => clock.ArmedTimers < timers + 20, "no timer of theirs is left"); // the host's own come and go
        await Wait.UntilForgotten([.. consumers]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<List<WeakReference>> ConnectAndVanishAsync(RunnelApp app)
    {
        Member.Made.Clear();
        var clients = new List<ClientWebSocket>();
        for (var i = 0; i < 200; i++)
            clients.Add(await app.ConnectAsync("/ws"));
        await Wait.Until(() => app.Registry.CountOf("all") == 200, "all have joined");
        for (var i = 0; i < 10; i++)
            await app.Groups.SendAsync("all", $"{i}");

        await Wait.For(
            Task.WhenAll(clients.Select((client, i) => Task.Run(async () =>
            {
                if (i % 2 == 0)
                    client.Abort();
                else
                    await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            }))), "all to leave");
        Assert.Equal(200, Member.Made.Count);
        return [.. Member.Made];
    }

    /// <summary>Stops the application after a request was let in, and before its connection is one of the node's: the node has listed those that it closes by then.</summary>
    private sealed class StopsBetween(RunnelApp app) : IHttpRequestTimeoutFeature
    {
        public CancellationToken RequestTimeoutToken => CancellationToken.None;

        public void DisableTimeout()
        {
            app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
            Wait.Until(() => app.Logs.Of(2016).Any(), "the node closes its connections").GetAwaiter().GetResult();
        }
    }

    public sealed class Member : WebSocketConsumer
    {
        public Member() => Made.Add(new WeakReference(this));

        internal static System.Collections.Concurrent.ConcurrentBag<WeakReference> Made { get; } = [];

        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("all", cancellationToken);
            await Groups.AddAsync($"g{Connection.Number % 7}", cancellationToken);
        }
    }
}
