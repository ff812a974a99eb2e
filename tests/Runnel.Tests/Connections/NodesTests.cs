using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Testing;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Several nodes on one backplane, and code of the application that is no consumer.</summary>
[Collection(nameof(Metered))]
public sealed class NodesTests : IAsyncLifetime
{
    private readonly InMemoryBackplane _backplane = new(TimeProvider.System);
    private RunnelApp _here = null!;
    private RunnelApp _there = null!;

    public async ValueTask InitializeAsync()
    {
        _here = await StartAsync();
        _there = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
    }

    [Fact]
    public async Task A_channel_that_is_no_connections_is_refused_with_a_hint()
    {
        foreach (var channel in new[] { "thumbnails", "node.x!zz", "other!1" })
        {
            var refused = await Assert.ThrowsAsync<ArgumentException>(() => _here.Groups.AddAsync("all", channel).AsTask());
            Assert.Contains("ChannelName", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_event_cannot_pass_for_one_of_runnels_own_messages()
    {
        await using var far = await _there.ConnectInMemoryAsync("/ws");
        var channel = await far.ReceiveTextAsync();

        await Assert.ThrowsAsync<ArgumentException>(() => _here.Node.SendEventAsync(channel, new Message("runnel:join", "123"u8.ToArray())).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => _there.Node.SendEventAsync(channel, new Message("runnel:join", "123"u8.ToArray())).AsTask());
    }

    [Fact]
    public async Task An_event_too_large_is_refused_on_its_own_node_as_on_another()
    {
        await using var far = await _there.ConnectInMemoryAsync("/ws");
        var channel = await far.ReceiveTextAsync();
        var message = new Message("tick", new byte[new RunnelOptions().MaxGroupMessageBytes + 1]);

        await Assert.ThrowsAsync<MessageTooLargeException>(() => _here.Node.SendEventAsync(channel, message).AsTask());
        await Assert.ThrowsAsync<MessageTooLargeException>(() => _there.Node.SendEventAsync(channel, message).AsTask());
        await _there.Node.SendEventAsync(channel, new Message("unheard-of", new byte[new RunnelOptions().MaxGroupMessageBytes]));
    }

    [Fact]
    public async Task A_message_for_something_that_is_no_connection_is_left_counted_and_logged()
    {
        using var counts = new Counts();
        await using var far = await _there.ConnectInMemoryAsync("/ws");
        var channel = await far.ReceiveTextAsync();

        await _backplane.PublishAsync(Topic.OfNode(_there.Node.Id), EnvelopeFormat.Encode(new Envelope(new Message("tick", "1"u8.ToArray())) { Channel = "payments" }), retention: null);
        await _here.Node.SendEventAsync(channel, new Message("tick", "2"u8.ToArray()));

        Assert.Equal("tick 2", await far.ReceiveTextAsync());
        Assert.Single(_there.Logs.Of(1009));
        Assert.Equal(1, counts[RunnelTelemetry.MessagesDropped, "unreadable"]);
    }

    [Fact]
    public async Task A_join_that_another_node_asked_for_and_that_failed_is_logged()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(
            app => app.MapConsumer<Member>("/ws", options => options.Outbound.Policy = OutboundPolicy.DropOldest),
            builder => builder.With(_backplane).With((RunnelOptions options) => options.KeepHistory("kept", new Retention(10, TimeSpan.FromMinutes(1)))));
        await using var far = await app.ConnectInMemoryAsync("/ws");

        await _here.Groups.AddAsync("kept", await far.ReceiveTextAsync());

        await Wait.Until(() => app.Logs.Of(1010).Any(), "it is logged");
        Assert.Equal(0, app.Registry.CountOf("kept"));
    }

    [Fact]
    public async Task Any_code_of_the_application_can_send_to_a_group()
    {
        await using var client = await _there.ConnectInMemoryAsync("/ws");
        await client.ReceiveTextAsync();
        using var http = _here.Server.CreateClient();

        (await http.PostAsync(new Uri("/announce", UriKind.Relative), null)).EnsureSuccessStatusCode();
        _here.Services.GetRequiredService<Announcer>().Announce();

        Assert.Equal("""{"from":"an endpoint"}""", await client.ReceiveTextAsync());
        Assert.Equal("from a hosted service", await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task A_probe_sees_what_goes_to_a_group()
    {
        await using var probe = await GroupProbe.JoinAsync(_there.Services, "all");

        await _here.Groups.SendAsync("all", "text");
        await _here.Groups.SendJsonAsync("all", new { A = 1 });
        await _here.Groups.SendEventAsync("all", "tick", 5);

        Assert.Equal("text", await probe.ReceiveTextAsync());
        Assert.Equal(1, (await probe.ReceiveJsonAsync()).GetProperty("a").GetInt32());
        Assert.Equal(("tick", EnvelopeKind.Message), await probe.ReceiveAsync() is var seen ? (seen.Message.Type, seen.Kind) : default);
        Assert.Equal(0, probe.Count);
        probe.Timeout = TimeSpan.FromMilliseconds(1);
        Assert.Contains("'all'", (await Assert.ThrowsAsync<TimeoutException>(probe.ReceiveAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_probe_of_a_group_with_history_sees_nothing_that_only_Runnel_published()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(
            app => app.MapConsumer<Member>("/ws"), builder => builder.With((RunnelOptions options) => options.KeepHistory("kept", new Retention(10, TimeSpan.FromMinutes(1)))));
        await using var probe = await GroupProbe.JoinAsync(app.Services, "kept");
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await app.Groups.AddAsync("kept", await client.ReceiveTextAsync()); // the history begins, with a message of Runnel's own
        await app.Groups.SendAsync("kept", "text");

        Assert.Equal("text", await probe.ReceiveTextAsync());
    }

    [Fact]
    public async Task A_probe_that_is_disposed_leaves_nothing_behind()
    {
        var before = _backplane.TopicCount;
        var probe = await GroupProbe.JoinAsync(_there.Services, "probed");
        await probe.DisposeAsync();

        Assert.Equal(before, _backplane.TopicCount);
    }

    private Task<RunnelApp> StartAsync() => RunnelApp.StartInMemoryAsync(
        app =>
        {
            app.MapConsumer<Member>("/ws");
            app.MapPost("/announce", async (IGroups groups) =>
            {
                await groups.SendJsonAsync("all", new { From = "an endpoint" });
                return Results.NoContent();
            });
        },
        builder =>
        {
            builder.With(_backplane);
            builder.Services.AddSingleton<Announcer>();
            builder.Services.AddHostedService(provider => provider.GetRequiredService<Announcer>());
        });

    public sealed class Member : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("all", cancellationToken);
            await SendAsync(Connection.ChannelName.Value, cancellationToken);
        }

        [Handles("tick")]
        public ValueTask OnTickAsync(int number) => SendAsync($"tick {number}");
    }

    private sealed class Announcer(IGroups groups) : BackgroundService
    {
        private readonly TaskCompletionSource _announce = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Announce() => _announce.SetResult();

        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            try
            {
                await _announce.Task.WaitAsync(stoppingToken);
                await groups.SendAsync("all", "from a hosted service", stoppingToken);
            }
            catch (OperationCanceledException)
            {
                // nobody asked
            }
        }
    }
}
