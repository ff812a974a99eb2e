using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What holds for connections and groups on several nodes, whatever layer is between them.</summary>
public abstract class ScaleOutSpecification : IAsyncLifetime
{
    private RunnelApp _here = null!;
    private RunnelApp _there = null!;

    /// <summary>Opens the backplane of one more node; all of a test reach each other.</summary>
    protected abstract IBackplane Open();

    public virtual async ValueTask InitializeAsync()
    {
        _here = await StartAsync();
        _there = await StartAsync();
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
        GC.SuppressFinalize(this);
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
    public async Task What_one_node_sends_another_arrives_once_and_in_order()
    {
        await using var talk = await NodeTalk.BeginAsync(Open(), Open());

        await talk.SayAsync(5_000);

        await talk.AssertAllArrivedOnceInOrderAsync();
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
        await Wait.Until(() => _there.Registry.CountOf("chosen") == 1, "it has joined");
        await _there.Groups.AddAsync("chosen", channel); // returns when the node has subscribed, too
        await _here.Groups.SendAsync("chosen", "for the chosen");
        await _here.Groups.RemoveAsync("chosen", channel);
        await Wait.Until(() => _there.Registry.CountOf("chosen") == 0, "it has left");
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

        await Wait.Until(() => counts[RunnelTelemetry.MessagesDropped, "connection-gone"] == 3, "all three are counted");
        Assert.Equal(0, _here.Registry.CountOf("chosen"));
    }

    [Fact]
    public async Task What_is_sent_to_a_connection_of_a_node_that_is_gone_is_counted_by_its_sender()
    {
        var gone = await StartAsync();
        var far = await gone.ConnectInMemoryAsync("/ws");
        var channel = await far.ReceiveTextAsync();
        using var counts = new Counts();
        await _here.Node.SendEventAsync(channel, new Message("tick", "1"u8.ToArray()));
        Assert.Equal("tick 1", await far.ReceiveTextAsync());
        await far.DisconnectAsync();
        await gone.StopAsync();
        await gone.DisposeAsync();
        await _here.Groups.SendAsync("nobody", "a group may have no members");
        Assert.Equal(0, counts[RunnelTelemetry.MessagesDropped, "node-gone"]);

        // A node that leaves does not wait for the layer to hear of it.
        await Wait.Until(
            async () =>
            {
                await _here.Node.SendEventAsync(channel, new Message("tick", "2"u8.ToArray()));
                return counts[RunnelTelemetry.MessagesDropped, "node-gone"] > 0;
            },
            "what is sent is counted");
    }

    [Fact]
    public async Task Rubbish_in_a_nodes_inbox_is_left_and_logged()
    {
        await _here.Services.GetRequiredService<IBackplane>().PublishAsync(Topic.OfNode(_there.Node.Id), new byte[] { 1, 2, 3 }, retention: null);

        await Wait.Until(() => _there.Logs.Of(1009).Any(), "it is logged");
        Assert.Single(_there.Logs.Of(1009));
    }

    [Fact]
    public async Task Who_leaves_on_one_node_still_gets_nothing_and_who_stays_on_the_other_gets_all()
    {
        var leaves = await _here.ConnectInMemoryAsync("/ws");
        await using var stays = await _there.ConnectInMemoryAsync("/ws");
        await leaves.ReceiveTextAsync();
        await stays.ReceiveTextAsync();

        await leaves.DisconnectAsync();
        await Wait.Until(() => _here.Registry.CountOf("all") == 0, "it has left");
        await _here.Groups.SendAsync("all", "after");

        Assert.Equal("after", await stays.ReceiveTextAsync());
    }

    [Fact]
    public async Task Each_node_knows_the_others_and_hears_when_one_leaves()
    {
        var third = await StartAsync();
        var (here, there) = (_here.Services.GetRequiredService<INodes>(), third.Services.GetRequiredService<INodes>());
        if (!_here.Services.GetRequiredService<IBackplane>().Features.HasFlag(BackplaneFeatures.ScaleOut))
        {
            await third.DisposeAsync();
            Assert.Equal([_here.Node.Id], here.All.Select(node => node.Id)); // a node on a layer of one process is the only one
            return;
        }
        await Wait.Until(() => here.All.Count == 3 && there.All.Count == 3, "they know each other");
        Assert.Equal([_here.Node.Id, _there.Node.Id, third.Node.Id], here.All.Select(node => node.Id));
        Assert.Equal(here.All, there.All);

        await third.StopAsync();
        await third.DisposeAsync();

        await Wait.Until(() => here.All.Count == 2, "it has left");
        Assert.Equal([_here.Node.Id, _there.Node.Id], here.All.Select(node => node.Id));
    }

    private Task<RunnelApp> StartAsync() => RunnelApp.StartInMemoryAsync(app => app.MapConsumer<NodesTests.Member>("/ws"), builder => builder.With(Open()));
}
