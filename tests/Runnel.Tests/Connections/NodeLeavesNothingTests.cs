using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Testing;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What a node counts of its groups, what a probe tells, and what is left when the node has stopped.</summary>
[Collection(nameof(Metered))]
public sealed class NodeLeavesNothingTests
{
    [Fact]
    public async Task A_node_that_has_stopped_has_ended_all_its_subscriptions()
    {
        var backplane = new InMemoryBackplane(TimeProvider.System);
        await using var app = await RunnelApp.StartAsync(
            app =>
            {
                app.MapConsumer<Member>("/ws");
                app.MapChannel("payments", (string _) => { });
            },
            builder => builder.With(backplane));
        var client = await app.ConnectAsync("/ws");
        await Wait.Until(() => backplane.TopicCount >= 3, "node, group and requests to cancel are subscribed to");
        var closed = client.ReceiveAndAnswerCloseAsync();

        await app.StopAsync();
        await closed;
        await app.DisposeAsync();

        await Wait.Until(() => backplane.TopicCount <= 1, "the subscriptions have ended"); // that the channel has consumers stays remembered
    }

    [Fact]
    public async Task A_group_message_is_counted_once_on_a_node_however_many_members_it_has()
    {
        using var counts = new Counts();
        await using var app = await RunnelApp.StartInMemoryAsync(static app => app.MapConsumer<Member>("/ws"));
        await using var first = await app.ConnectInMemoryAsync("/ws");
        await using var second = await app.ConnectInMemoryAsync("/ws");

        foreach (var text in (string[])["1", "2"])
        {
            await app.Groups.SendAsync("all", text);
            Assert.Equal((text, text), (await first.ReceiveTextAsync(), await second.ReceiveTextAsync()));
        }

        await Wait.Until(() => counts[RunnelTelemetry.GroupMessages] >= 2, "both are counted");
        Assert.Equal(2, counts[RunnelTelemetry.GroupMessages]);
    }

    [Fact]
    public async Task A_probe_that_waits_in_vain_names_the_group_and_counts_what_waits_for_it()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(static _ => { });
        await using var probe = await GroupProbe.JoinAsync(app.Services, "all");
        await app.Groups.SendAsync("all", "1");
        await app.Groups.SendAsync("all", "2");

        Assert.Equal(2, probe.Count);
        Assert.Equal(("1", "2", 0), (await probe.ReceiveTextAsync(), await probe.ReceiveTextAsync(), probe.Count));
        probe.Timeout = TimeSpan.FromMilliseconds(20);
        Assert.Equal("Waited 0.02 s for a message to group 'all', in vain.", (await Assert.ThrowsAsync<TimeoutException>(probe.ReceiveAsync)).Message);
    }

    internal sealed class Member : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await Groups.AddAsync("all", cancellationToken);
            await AcceptAsync(cancellationToken);
        }
    }
}
