using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Nodes;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Nodes;

/// <summary>Who is taken for alive, and who for dead: on a clock that the tests move, under the default lease of 5 seconds.</summary>
public sealed class NodeDirectoryTests
{
    private readonly ToyNodes _nodes = new();

    [Fact]
    public async Task Nodes_know_each_other_as_soon_as_the_last_one_has_asked()
    {
        var (first, second, third) = (await _nodes.StartAsync(), await _nodes.StartAsync(), await _nodes.StartAsync());

        (string, int)[] all = [(first.Id, 1), (second.Id, 1), (third.Id, 1)];
        Assert.Equal(all, first.Seen);
        Assert.Equal(all, second.Seen);
        Assert.Equal(all, third.Seen);
    }

    [Fact]
    public async Task A_node_that_leaves_is_gone_at_once()
    {
        var (stays, leaves) = (await _nodes.StartAsync(), await _nodes.StartAsync());

        await _nodes.LeaveAsync(leaves);

        Assert.Equal([(stays.Id, 1)], stays.Seen);
    }

    [Fact]
    public async Task A_node_that_is_not_heard_is_dead_after_its_lease_and_not_before()
    {
        var (lives, dies) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        _nodes.Pass(10);

        dies.IsStill = true;
        _nodes.Pass(4);
        Assert.Equal(2, lives.Seen.Count());
        _nodes.Pass(1);

        Assert.Equal([(lives.Id, 1)], lives.Seen);
    }

    [Fact]
    public async Task A_node_that_stood_still_comes_back_as_its_next_incarnation_and_takes_nobody_for_dead()
    {
        var (lives, stood) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        _nodes.Pass(2);
        stood.IsStill = true;
        _nodes.Pass(20);

        stood.IsStill = false;
        _nodes.Pass(1);

        Assert.Equal([(lives.Id, 1), (stood.Id, 2)], lives.Seen);
        Assert.Equal([(lives.Id, 1), (stood.Id, 2)], stood.Seen);
    }

    [Fact]
    public async Task Nobody_is_dead_because_all_of_them_stood_still()
    {
        var (first, second) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        _nodes.Pass(2);

        _nodes.StandStill(20);
        first.Beat(); // hears itself, and of the other nothing for 20 seconds
        Assert.Equal(2, first.Seen.Count());
        _nodes.Pass(10);

        Assert.Equal([(first.Id, 1), (second.Id, 1)], first.Seen);
        Assert.Equal([(first.Id, 1), (second.Id, 1)], second.Seen);
    }

    [Fact]
    public async Task Nobody_is_dead_while_the_layer_is_away_and_for_a_lease_afterwards()
    {
        var (first, second) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        _nodes.Pass(2);

        first.Wire.Cut();
        second.Wire.Cut();
        _nodes.Pass(15);
        Assert.Equal(2, first.Seen.Count());
        first.Wire.Heal();
        _nodes.Pass(4);
        Assert.Equal(2, first.Seen.Count());
        second.Wire.Heal();
        _nodes.Pass(10);

        Assert.Equal([(first.Id, 1), (second.Id, 1)], first.Seen);
        Assert.Equal([(first.Id, 1), (second.Id, 1)], second.Seen);
    }

    [Fact]
    public async Task A_node_that_does_not_come_back_with_the_layer_is_dead_a_lease_later()
    {
        var (lives, dies) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        lives.Wire.Cut();
        dies.IsStill = true;
        _nodes.Pass(15);

        lives.Wire.Heal();
        _nodes.Pass(7);

        Assert.Equal([(lives.Id, 1)], lives.Seen);
    }

    [Fact]
    public async Task A_node_that_was_cut_off_alone_comes_back_by_itself()
    {
        var (there, cut) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        cut.Wire.Cut();
        _nodes.Pass(10);
        Assert.Equal([(there.Id, 1)], there.Seen);
        Assert.Equal([(there.Id, 1), (cut.Id, 1)], cut.Seen);

        cut.Wire.Heal();
        _nodes.Pass(1);

        Assert.Equal([(there.Id, 1), (cut.Id, 2)], there.Seen);
        Assert.Equal(there.Seen, cut.Seen);
    }

    [Fact]
    public async Task A_node_that_two_others_took_for_dead_comes_back_once()
    {
        var (first, second, cut) = (await _nodes.StartAsync(), await _nodes.StartAsync(), await _nodes.StartAsync());
        cut.Wire.Cut();
        _nodes.Pass(10);

        cut.Wire.Heal();
        _nodes.Pass(2);

        Assert.Equal([(first.Id, 1), (second.Id, 1), (cut.Id, 2)], first.Seen);
        Assert.Equal(first.Seen, cut.Seen);
    }

    [Fact]
    public async Task Nobody_is_dead_because_all_of_them_stood_still_for_most_of_a_lease()
    {
        var (first, _) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        _nodes.Pass(2);

        _nodes.StandStill(4);
        first.Beat();
        _nodes.StandStill(1);
        first.Beat(); // the other had no lease of time to be heard in

        Assert.Equal(2, first.Seen.Count());
    }

    [Fact]
    public async Task A_node_that_leaves_while_the_layer_is_away_says_nothing_to_it()
    {
        var (_, leaves) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var said = await _nodes.CountAsync();

        leaves.Wire.Cut();
        await _nodes.LeaveAsync(leaves);

        Assert.Equal(0, said());
        Assert.DoesNotContain((leaves.Id, 1), leaves.Seen);
    }

    [Fact]
    public async Task A_layer_that_does_not_answer_holds_up_no_node_that_leaves()
    {
        var leaves = await _nodes.StartAsync();
        leaves.Wire.Held = new TaskCompletionSource().Task;

        var leaving = _nodes.LeaveAsync(leaves);
        Assert.False(leaving.IsCompleted);
        _nodes.StandStill(1);

        await Wait.For(leaving, "it to leave");
    }

    [Fact]
    public async Task What_somebody_says_that_cannot_be_read_is_logged_and_what_follows_is_heard()
    {
        using var log = new RecordedLog();
        var wire = new InMemoryBackplane(TimeProvider.System);
        var directory = new NodeDirectory(new NodeContext(new RunnelOptions(), TimeProvider.System, log.CreateLogger("Runnel")), wire, proof: null);
        await directory.OpenAsync(CancellationToken.None);
        var other = new NodeStatus("node.other", 1, NodeRoles.Worker, "there", "1.0", TimeProvider.System.GetUtcNow());

        await wire.PublishAsync(NodeWords.Topic, EnvelopeFormat.Encode(new Envelope(new Message(NodeWords.BeatType, "no JSON"u8.ToArray()))), retention: null);
        await wire.PublishAsync(NodeWords.Topic, "no envelope"u8.ToArray(), retention: null);
        await wire.PublishAsync(NodeWords.Topic, NodeWords.Beat(new NodeBeat(other, TimeSpan.FromSeconds(5), Process: null)), retention: null);

        Assert.Equal([other], directory.All);
        Assert.Equal(2, log.Of(1034).Count());
    }

    [Fact]
    public async Task Who_watches_hears_of_those_that_are_there_and_of_each_change()
    {
        var node = await _nodes.StartAsync();
        await using var changes = node.Directory.WatchAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator();
        await Tells(NodeChangeKind.Joined, node, 1);

        var other = await _nodes.StartAsync();
        await Tells(NodeChangeKind.Joined, other, 1);
        other.IsStill = true;
        _nodes.Pass(6);
        await Tells(NodeChangeKind.Left, other, 1);
        other.IsStill = false;
        _nodes.Pass(1);
        await Tells(NodeChangeKind.Joined, other, 2);
        await _nodes.LeaveAsync(other);
        await Tells(NodeChangeKind.Left, other, 2);

        async Task Tells(NodeChangeKind kind, ToyNode of, int incarnation)
        {
            Assert.True(await changes.MoveNextAsync());
            Assert.Equal((kind, of.Id, incarnation), (changes.Current.Kind, changes.Current.Node.Id, changes.Current.Node.Incarnation));
        }
    }

    [Fact]
    public async Task On_a_layer_that_sees_who_lives_nobody_says_anything_and_the_dead_are_gone_at_once()
    {
        var (mine, its) = (new ToyProof("a", "b"), new ToyProof("b", "a"));
        var (lives, dies) = (await _nodes.StartAsync(mine), await _nodes.StartAsync(its));
        var said = await _nodes.CountAsync();

        _nodes.Pass(60);
        Assert.Equal(0, said());
        Assert.Equal([(lives.Id, 1), (dies.Id, 1)], lives.Seen);
        dies.IsStill = true;
        mine.Dies("b");
        _nodes.Talk();

        Assert.Equal([(lives.Id, 1)], lives.Seen);
        Assert.Equal(0, said());
    }

    [Fact]
    public async Task On_such_a_layer_a_node_asks_who_is_there_when_it_was_cut_off()
    {
        var (cut, there) = (await _nodes.StartAsync(new ToyProof("a", "b", "c")), await _nodes.StartAsync(new ToyProof("b", "a", "c")));
        cut.Wire.Cut();
        var comes = await _nodes.StartAsync(new ToyProof("c", "a", "b"));
        Assert.Equal([(cut.Id, 1), (there.Id, 1)], cut.Seen);

        cut.Wire.Heal();
        _nodes.Talk();

        Assert.Equal([(cut.Id, 1), (there.Id, 1), (comes.Id, 1)], cut.Seen);
    }

    [Fact]
    public async Task On_such_a_layer_a_node_that_is_known_by_another_process_says_so()
    {
        var (mine, its) = (new ToyProof("a", "b"), new ToyProof("b", "a"));
        var (moves, sees) = (await _nodes.StartAsync(mine), await _nodes.StartAsync(its));

        mine.Moves("a2");
        its.Comes("a2");
        _nodes.Talk();
        its.Dies("a");
        _nodes.Talk();

        Assert.Equal([(moves.Id, 1), (sees.Id, 1)], sees.Seen);
    }

    [Fact]
    public async Task On_such_a_layer_what_a_node_could_not_say_is_said_again_soon()
    {
        var node = await _nodes.StartAsync(new ToyProof("a"));
        Assert.Equal(Timeout.InfiniteTimeSpan, node.Directory.Beat());
        var said = await _nodes.CountAsync();

        node.Wire.Failure = new BackplaneUnavailableException("away");
        node.Directory.Announce(NodeRoles.Worker, "there", "1.0");
        Assert.Equal(node.Context.Options.NodeLease / 5, node.Directory.Beat());
        node.Wire.Failure = null;

        Assert.Equal(Timeout.InfiniteTimeSpan, node.Directory.Beat());
        Assert.Equal(1, said());
    }

    [Fact]
    public async Task On_such_a_layer_nothing_wakes_a_node_that_has_left()
    {
        var proof = new ToyProof("a");
        var node = await _nodes.StartAsync(proof);
        await _nodes.LeaveAsync(node);
        node.TakeWoken();

        proof.Comes("b");

        Assert.False(node.TakeWoken());
    }

    [Fact]
    public async Task A_node_is_not_dead_because_the_layer_has_not_seen_its_process_yet()
    {
        var proof = new ToyProof("a");
        var (sees, comes) = (await _nodes.StartAsync(proof), await _nodes.StartAsync(new ToyProof("b", "a")));
        Assert.Equal(2, sees.Seen.Count());

        proof.Comes("b");
        _nodes.Pass(5);
        Assert.Equal([(sees.Id, 1), (comes.Id, 1)], sees.Seen);
        comes.IsStill = true;
        var never = await _nodes.StartAsync(new ToyProof("c", "a", "b"));
        _nodes.Pass(2);

        Assert.DoesNotContain((never.Id, 1), sees.Seen);
        Assert.Contains((comes.Id, 1), sees.Seen);
    }
}
