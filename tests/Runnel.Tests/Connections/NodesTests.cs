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
    public async Task A_message_to_a_group_reaches_its_members_on_every_node_in_order()
    {
        await using var near = await _here.ConnectInMemoryAsync("/ws");
        await using var far = await _there.ConnectInMemoryAsync("/ws");
        await near.ReceiveTextAsync();
        await far.ReceiveTextAsync();

        for (var i = 0; i < 50; i++)
            await _here.Groups.SendAsync("all", $"{i}");

        for (var i = 0; i < 50; i++)
        {
            Assert.Equal($"{i}", await near.ReceiveTextAsync());
            Assert.Equal($"{i}", await far.ReceiveTextAsync());
        }
    }

    [Fact]
    public async Task An_event_reaches_a_connection_of_another_node()
    {
        await using var far = await _there.ConnectInMemoryAsync("/ws");
        var channel = await far.ReceiveTextAsync();

        await _here.Node.SendEventAsync(channel, new Message("tick", "7"u8.ToArray()));

        Assert.Equal("tick 7", await far.ReceiveTextAsync());
    }

    [Fact]
    public async Task A_connection_of_another_node_can_be_put_into_a_group_and_taken_out_of_it()
    {
        await using var far = await _there.ConnectInMemoryAsync("/ws");
        var channel = await far.ReceiveTextAsync();

        await _here.Groups.AddAsync("chosen", channel);
        await Wait.Until(() => _there.Node.Groups.CountOf("chosen") == 1, "it has joined");
        await _here.Groups.SendAsync("chosen", "for the chosen");
        await _here.Groups.RemoveAsync("chosen", channel);
        await Wait.Until(() => _there.Node.Groups.CountOf("chosen") == 0, "it has left");
        await _here.Groups.SendAsync("chosen", "for nobody");
        await _here.Groups.SendAsync("all", "for all");

        Assert.Equal("for the chosen", await far.ReceiveTextAsync());
        Assert.Equal("for all", await far.ReceiveTextAsync());
    }

    [Fact]
    public async Task What_is_sent_to_a_connection_that_is_gone_is_counted_here_and_there()
    {
        var near = await _here.ConnectInMemoryAsync("/ws");
        var far = await _there.ConnectInMemoryAsync("/ws");
        var (nearChannel, farChannel) = (await near.ReceiveTextAsync(), await far.ReceiveTextAsync());
        await near.DisconnectAsync();
        await far.DisconnectAsync();
        await Wait.Until(() => _here.Node.ConnectionCount + _there.Node.ConnectionCount == 0, "both are gone");
        using var counts = new Counts();

        await _here.Node.SendEventAsync(nearChannel, new Message("tick", "1"u8.ToArray()));
        await _here.Node.SendEventAsync(farChannel, new Message("tick", "1"u8.ToArray()));
        await _here.Groups.AddAsync("chosen", nearChannel);
        await _here.Groups.RemoveAsync("chosen", farChannel);

        Assert.Equal(3, counts[RunnelTelemetry.MessagesDropped, "connection-gone"]);
        Assert.Equal(0, _here.Node.Groups.CountOf("chosen"));
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
        var message = new Message("tick", new byte[_here.Node.Options.MaxGroupMessageBytes + 1]);

        await Assert.ThrowsAsync<MessageTooLargeException>(() => _here.Node.SendEventAsync(channel, message).AsTask());
        await Assert.ThrowsAsync<MessageTooLargeException>(() => _there.Node.SendEventAsync(channel, message).AsTask());
    }

    [Fact]
    public async Task Rubbish_in_a_nodes_inbox_is_left_and_logged()
    {
        await _backplane.PublishAsync(Topic.OfNode(_there.Node.Id), new byte[] { 1, 2, 3 }, retention: null);

        Assert.Single(_there.Logs.Of(1009));
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
