using Runnel.Nodes;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Nodes;

/// <summary>What a node makes of what it hears, in whichever order that comes.</summary>
public sealed class NodeTableTests : IDisposable
{
    private static readonly TimeSpan Lease = new RunnelOptions().NodeLease;

    private readonly ManualTimeProvider _clock = new();
    private readonly RecordedLog _log = new();
    private readonly NodeTable _table;

    public NodeTableTests() => _table = new NodeTable(new NodeContext(new RunnelOptions(), _clock, _log.CreateLogger("Runnel")));

    private IEnumerable<(string Id, int Incarnation)> Seen => _table.List.Nodes.Select(static node => (node.Id, node.Incarnation));

    public void Dispose() => _log.Dispose();

    [Fact]
    public void An_earlier_incarnation_that_is_heard_late_does_not_take_the_place_of_the_later_one()
    {
        _table.Hear(Beat("a", 2));

        Assert.True(_table.Hear(Beat("a", 1)));

        Assert.Equal([("a", 2)], Seen);
    }

    [Fact]
    public void A_goodbye_of_an_earlier_incarnation_that_is_heard_late_ends_nothing()
    {
        _table.Hear(Beat("a", 2));

        _table.Leave(new NodeNotice("a", 1));
        Assert.Equal([("a", 2)], Seen);
        _table.Leave(new NodeNotice("a", 2));

        Assert.Empty(Seen);
    }

    [Fact]
    public void Of_two_different_leases_the_longer_one_counts()
    {
        _table.HearSelf(judges: true);
        _table.Hear(Beat("patient", 1, lease: Lease * 2));
        _table.Hear(Beat("other", 1, lease: Lease / 2));

        PassALease();
        Assert.Equal([("patient", 1)], Seen);
        PassALease();

        Assert.Empty(Seen);
    }

    [Fact]
    public void A_node_that_is_silent_and_one_whose_process_has_died_are_named_in_the_log()
    {
        _table.HearSelf(judges: true);
        _table.Hear(Beat("silent", 1));
        PassALease();
        _table.Hear(Beat("died", 1, process: "its"));
        _table.JudgeBy(new ToyProof("mine"), patience: TimeSpan.Zero);

        Assert.StartsWith("Node silent (there) is dead to this node: it was not heard for 00:00:05.", Assert.Single(_log.Of(1030)).Text, StringComparison.Ordinal);
        Assert.StartsWith("Node died (there) died", Assert.Single(_log.Of(1031)).Text, StringComparison.Ordinal);
        Assert.Empty(Seen);
    }

    [Fact]
    public void A_node_that_two_others_took_for_dead_says_once_that_it_goes_on()
    {
        _table.Become(Beat("me", 1).Node);

        Assert.True(_table.ComeBack(new NodeNotice("me", 1)));
        Assert.False(_table.ComeBack(new NodeNotice("me", 1)));

        Assert.EndsWith("It goes on as incarnation 2.", Assert.Single(_log.Of(1032)).Text, StringComparison.Ordinal);
        Assert.Equal([("me", 2)], Seen);
    }

    [Fact]
    public void What_is_gone_is_remembered_for_the_last_thousand()
    {
        for (var number = 0; number <= 1000; number++)
        {
            _table.Hear(Beat($"n{number}", 1));
            _table.Leave(new NodeNotice($"n{number}", 1));
        }

        Assert.True(_table.Hear(Beat("n0", 1)));
        Assert.False(_table.Hear(Beat("n1", 1)));
        Assert.False(_table.Hear(Beat("n1000", 1)));
    }

    [Fact]
    public void A_process_that_took_the_place_of_one_that_was_seen_has_not_been_seen_yet()
    {
        var proof = new ToyProof("mine", "before");
        _table.Hear(Beat("a", 1, process: "before"));
        _table.JudgeBy(proof, patience: TimeSpan.FromSeconds(1));

        _table.Hear(Beat("a", 1, process: "after"));
        var isSure = _table.JudgeBy(proof, patience: TimeSpan.FromSeconds(1));

        Assert.False(isSure);
        Assert.Equal([("a", 1)], Seen);
    }

    [Fact]
    public void A_new_incarnation_is_told_as_one_that_left_and_one_that_joined_in_this_order()
    {
        var (before, after) = (Beat("a", 1).Node, Beat("a", 2).Node);

        var changes = NodeList.Of([after]).ChangesSince([before]);

        Assert.Equal([new NodeChange(NodeChangeKind.Left, before), new NodeChange(NodeChangeKind.Joined, after)], changes);
    }

    [Fact]
    public void What_is_wanted_again_while_it_is_being_said_is_said_once_more()
    {
        var errand = new NodeErrand();
        errand.Want();
        var said = errand.Begin();
        errand.Want();

        said();
        Assert.True(errand.IsOpen);
        errand.Begin()();

        Assert.False(errand.IsOpen);
    }

    // The node itself is heard all the while.
    private void PassALease()
    {
        for (var beat = 0; beat < 5; beat++)
        {
            _clock.Advance(Lease / 5);
            _table.HearSelf(judges: true);
        }
    }

    private NodeBeat Beat(string id, int incarnation, TimeSpan? lease = null, string? process = null) =>
        new(new NodeStatus(id, incarnation, NodeRoles.Gateway, "there", "1.0", _clock.GetUtcNow()), lease ?? Lease, process);
}
