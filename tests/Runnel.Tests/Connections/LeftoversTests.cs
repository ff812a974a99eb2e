using System.Runtime.CompilerServices;
using System.Text.Json;
using Runnel.Frames;
using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Tests.Recovery;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What lives on keeps nothing of what is over.</summary>
public sealed class LeftoversTests
{
    [Fact]
    public void A_portion_of_queues_that_were_drained_holds_none_of_them()
    {
        var queue = DrainOne();

        GC.Collect();

        Assert.False(queue.IsAlive);
    }

    [Fact]
    public void A_group_holds_no_member_that_has_left_it_while_others_stay()
    {
        var group = new Group("news", pages: null);
        Join(group, Member());
        var left = Visit(group);

        GC.Collect();

        Assert.False(left.IsAlive);
        Assert.Equal(1, group.Count);
    }

    [Fact]
    public async Task A_connection_keeps_nothing_of_what_its_client_has_shown_once_its_consumer_has_connected()
    {
        await using var node = GreetedConnection.CreateNode(new InMemoryBackplane(TimeProvider.System));
        using var first = await GreetedConnection.ConnectAsync<TwoGroups>(node);
        await first.CutAsync();

        var (second, shown) = await ComeBackAsync(node, first.Of("joined").Single()); // to one of the two groups

        Assert.Equal((3, "recovered"), (shown.Length, second.Outcomes().Single()));
        await Wait.UntilForgotten(shown);
        second.Dispose();
    }

    // The tests themselves must hold nothing of it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference DrainOne()
    {
        var queue = new OutboundQueue(new OutboundOptions(), new FakeWriter());
        ((IThreadPoolWorkItem)DrainBatch.Add(null, queue)).Execute();
        return new WeakReference(queue);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Visit(Group group)
    {
        var member = Member();
        Join(group, member);
        group.Remove(member);
        return new WeakReference(member);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<(FakeConnection Connection, WeakReference[] Shown)> ComeBackAsync(FakeNode node, JsonElement joined)
    {
        var positions = joined.EnumerateArray().Select(static entry => new { position = entry.GetProperty("position").GetString(), seal = entry.GetProperty("seal").GetString() })
            .Append(new { position = (string?)"other.1:1", seal = (string?)"of no worth" });
        ClientHello.TryRead(JsonSerializer.SerializeToUtf8Bytes(new { hello = new { version = 1, client = GreetedConnection.Client, positions } }), out var hello);
        var connection = new FakeConnection(node, DemultiplexerBuilder.Greeted(ConsumerDescriptor.For<GroupsConsumer>()), hello: hello);
        await connection.Session.ConnectAsync();
        return (connection, [.. hello!.Positions.Select(static position => new WeakReference(position))]);
    }

    private static void Join(Group group, GroupMember member) => group.Add(member, isComer: false, static () => throw new InvalidOperationException("Nothing is subscribed to."));

    private static GroupMember Member() => new(1, new OutboundQueue(new OutboundOptions(), new FakeWriter()), form: null, events: null!, new WaitingBytes(1));

    private sealed class TwoGroups : JsonWebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("articles", cancellationToken);
            await Groups.AddAsync("articles.more", cancellationToken);
        }
    }
}
