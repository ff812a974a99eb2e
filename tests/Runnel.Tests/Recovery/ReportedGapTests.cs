using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>A sender says that messages of its own are missing (<see cref="IGroups.SendGapAsync"/>).</summary>
[Collection(nameof(Metered))]
public sealed class ReportedGapTests
{
    private const int Reported = 1053;

    private readonly TornBackplane _backplane = new(new InMemoryBackplane(TimeProvider.System));

    [Theory]
    [InlineData("articles")]
    [InlineData("of-no-history")]
    public async Task Every_member_on_every_node_is_sent_away_and_nobody_else(string group)
    {
        using var counts = new Counts();
        using var log = new RecordedLog();
        await using var here = GreetedConnection.CreateNode(_backplane, logs: log);
        await using var there = GreetedConnection.CreateNode(_backplane, logs: log);
        using var near = await FakeConnection.ConnectAsync(here);
        using var far = await FakeConnection.ConnectAsync(there);
        using var other = await FakeConnection.ConnectAsync(there);
        await near.Groups.AddAsync(group);
        await far.Groups.AddAsync(group);
        await other.Groups.AddAsync("another");

        await here.Groups.SendGapAsync(group);
        await Wait.Until(() => !near.Closes.IsEmpty && !far.Closes.IsEmpty, "the members are sent away");

        Assert.Equal([CloseCode.TryAgainLater], near.Closes);
        Assert.Equal([CloseCode.TryAgainLater], far.Closes);
        Assert.Empty(other.Closes);
        Assert.Equal(2, counts[RunnelTelemetry.GroupGaps, "reported"]);
        Assert.Equal(0, counts[RunnelTelemetry.GroupGaps, "not-kept"]);
        Assert.Equal(2, log.Of(Reported).Count(entry => entry.Text.Contains($"'{group}'", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task It_comes_in_its_place_among_the_messages_and_a_client_that_is_away_meets_it_there_when_it_comes_back()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        var shown = await GreetedConnection.VisitAsync<ResendingConsumer>(node);
        await node.SendAsync(1, 2);
        await node.Groups.SendGapAsync("articles");
        await node.SendAsync(3, 3);

        using var second = await GreetedConnection.ConnectAsync<ResendingConsumer>(node, shown);
        await Wait.Until(() => second.Outcomes().Count == 2, "the client is told where it stands");
        await node.SendAsync(4, 4);
        await second.GotAsync(4);

        Assert.Equal(["recovered", "gap"], second.Outcomes());
        Assert.Equal(["1", "2", "snapshot of articles", "4"], second.Payloads());
    }

    [Fact]
    public async Task A_client_that_meets_it_before_its_node_hears_of_it_is_told_once()
    {
        var late = new LateBackplane(_backplane);
        await using var here = GreetedConnection.CreateNode(_backplane);
        await using var there = GreetedConnection.CreateNode(late);
        using var first = await GreetedConnection.ConnectAsync<ResendingConsumer>(there);
        await first.CutAsync();
        using var holder = await GreetedConnection.ConnectAsync<ResendingConsumer>(there);
        await here.SendAsync(1, 1);
        await holder.GotAsync(1);
        late.Hold();
        await here.Groups.SendGapAsync("articles");

        using var second = await GreetedConnection.ConnectAsync<ResendingConsumer>(there, first.Shown());
        await second.GotAsync(1);
        late.Release();
        await Wait.Until(() => second.Outcomes().Count == 2, "the client is told where it stands");
        await here.SendAsync(2, 2);
        await second.GotAsync(3);

        Assert.Equal(["recovered", "gap"], second.Outcomes());
        Assert.Equal(["1", "snapshot of articles", "2"], second.Payloads());
    }

    [Fact]
    public async Task A_client_that_was_sent_away_by_it_begins_anew_and_is_not_sent_away_again()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        var shown = await GreetedConnection.VisitAsync<GroupsConsumer>(node);
        await node.SendAsync(1, 1);
        await node.Groups.SendGapAsync("articles");

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(node, shown);
        await Wait.Until(() => !second.Closes.IsEmpty, "it is sent away");
        await second.ToldOfGapAsync();
        var forgotten = second.Of("gap").Single().GetString();
        using var third = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);
        await node.SendAsync(2, 2);
        await third.GotAsync(1);

        Assert.Equal(shown.Position.Split('.')[0], forgotten); // the client shows no position of this group any more
        Assert.Equal(["new"], third.Outcomes());
        Assert.Equal(["2"], third.Payloads());
        Assert.Empty(third.Closes);
    }
}
