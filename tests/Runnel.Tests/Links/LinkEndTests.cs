using System.Globalization;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Links;

/// <summary>When a link ends, and that both sides hear of it.</summary>
public sealed class LinkEndTests : IAsyncDisposable
{
    private readonly LinkedNodes _nodes = new();

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task A_node_that_is_dead_to_the_other_one_hears_it_and_a_new_link_begins()
    {
        var (one, two) = await LinkedAsync();

        LinkedNodes.Leave(one, two);
        await Wait.Until(() => (one.Ends, two.Ends) == (1, 1), "both have heard it");
        LinkedNodes.Join(one, two);
        one.Send(two, "3");
        two.Send(one, "4");
        await _nodes.FlushAsync(one, two);

        Assert.Equal(["2", "ended", "4"], one.Heard);
        Assert.Equal(["1", "ended", "3"], two.Heard);
        Assert.Contains(_nodes.Log.Lines, line => line.StartsWith($"Information 1040 The link with {two.Id} has ended: the other node left or died.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_that_was_not_told_hears_it_when_it_sends_the_next_time()
    {
        var (one, two) = await LinkedAsync();
        await one.LoseAsync(() => LinkedNodes.Leave(one, two)); // the news

        two.Send(one, "a zombie speaks");
        await _nodes.Until(() => two.Heard.Contains("ended"), "it has heard it");

        Assert.Equal(["2", "ended"], one.Heard);
    }

    [Fact]
    public async Task A_node_that_has_never_said_anything_hears_of_the_end_too()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        two.Wire.Decide = static () => Fate.GetsLost; // so the first one does not know its session
        one.Send(two, "1");
        await Wait.Until(() => two.Heard.Count == 1, "it is there");

        LinkedNodes.Leave(one, two);

        await Wait.Until(() => two.Heard.Contains("ended"), "it has heard it");
    }

    [Fact]
    public async Task A_node_that_was_not_told_hears_of_the_end_before_what_comes_on_the_next_link()
    {
        var (one, two) = await LinkedAsync();
        await LeaveUntoldAsync(one, two);
        LinkedNodes.Join(one, two);

        one.Send(two, "new");
        await _nodes.Until(() => two.Heard.Contains("new"), "it is there");

        Assert.Equal(["1", "ended", "new"], two.Heard);
    }

    [Fact]
    public async Task A_node_that_goes_on_speaking_on_a_link_that_has_ended_is_told_so_ten_times_a_second_at_most()
    {
        var (one, two) = await LinkedAsync();
        await LeaveUntoldAsync(one, two);
        var packet = new LinkWriter();
        packet.Begin(two.Id);
        var bytes = packet.End().ToArray();
        LinkHeader.Stamp(bytes, LinkFlags.Items, from: 1, to: 1, number: 2, received: 0);
        var published = one.Wire.Published;

        for (var time = 1; time <= 3; time++)
        {
            for (var again = 0; again < 10; again++)
                one.Links.TryTake(bytes);
            await Wait.Until(() => one.Wire.Published >= published + time, "it is told");
            _nodes.Clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal(published + 3, one.Wire.Published);
    }

    [Fact]
    public async Task That_a_node_could_not_be_told_of_the_end_is_logged()
    {
        var (one, two) = await LinkedAsync();
        one.Wire.Decide = static () => Fate.Fails;

        LinkedNodes.Leave(one, two);

        await Wait.Until(() => _nodes.Log.Lines.Any(line => line.StartsWith($"Information 1052 {two.Id} could not be told", StringComparison.Ordinal)), "it is logged");
    }

    [Fact]
    public async Task A_node_that_others_took_for_dead_ends_all_its_links()
    {
        var (one, two) = await LinkedAsync();

        two.Nodes.Tell(NodeChangeKind.Joined, two.Status with { Incarnation = 2 });

        await Wait.Until(() => one.Heard.Contains("ended") && two.Heard.Contains("ended"), "both have heard it");
    }

    [Fact]
    public async Task What_was_sent_before_the_end_never_arrives_afterwards()
    {
        var (one, two) = await LinkedAsync();
        var held = new TaskCompletionSource();
        two.Wire.Held = held.Task;
        two.Send(one, "under way");
        await Wait.Until(() => two.Wire.Waiting == 1, "the packet is under way");
        two.Send(one, "waits");

        LinkedNodes.Leave(one, two);
        await Wait.Until(() => (one.Ends, two.Ends) == (1, 1), "the other node has heard it");
        LinkedNodes.Join(one, two);
        one.Send(two, "new");
        await _nodes.Until(() => two.Heard.Contains("new"), "the new link is there");
        two.Send(one, "newer");
        held.SetResult();
        await _nodes.FlushAsync(one, two);

        Assert.Equal(["2", "ended", "newer"], one.Heard);
        Assert.Equal(["1", "ended", "new"], two.Heard);
    }

    [Fact]
    public async Task The_first_packet_of_a_link_that_has_ended_begins_no_other_one()
    {
        var (one, two) = await LinkedAsync();
        two.Links.Fail(one.Id, new InvalidOperationException("The test ends the link."));
        var packet = new LinkWriter();
        packet.Begin(one.Id);
        packet.Write(new TextItem("late"));
        var bytes = packet.End().ToArray();
        LinkHeader.Stamp(bytes, LinkFlags.Items, from: 1, to: 0, number: 1, received: 0);

        two.Links.TryTake(bytes);

        Assert.Equal(["1", "ended"], two.Heard);
    }

    [Fact]
    public void A_confirmation_of_what_was_never_sent_confirms_nothing()
    {
        var outbox = new LinkOutbox();
        var writer = new LinkWriter();
        writer.Begin("here");
        outbox.Add(writer.End());

        Assert.False(outbox.Confirm(2));
        Assert.True(outbox.HasUnconfirmed);
        Assert.True(outbox.Confirm(1));
        Assert.False(outbox.HasUnconfirmed);
    }

    [Fact]
    public async Task Waiting_for_a_node_that_is_gone_ends_with_the_link()
    {
        var (one, two) = await LinkedAsync();
        one.Wire.Decide = () => Fate.GetsLost;
        one.Send(two, "lost");
        var flushed = one.FlushAsync(two);
        Assert.False(flushed.IsCompleted);

        LinkedNodes.Leave(one, two);

        await Wait.For(flushed, "the end of the link");
    }

    [Fact]
    public async Task Waiting_for_another_node_ends_with_this_one()
    {
        var (one, two) = await LinkedAsync();
        one.Wire.Decide = () => Fate.GetsLost;
        one.Send(two, "lost");
        var flushed = one.FlushAsync(two);

        await one.Links.DisposeAsync();

        await Wait.For(flushed, "the end of this node");
    }

    [Fact]
    public async Task Nothing_waits_for_a_node_that_has_left_although_something_was_sent_to_it_since()
    {
        var (one, two) = await LinkedAsync();
        LinkedNodes.Leave(one, two);
        await Wait.Until(() => one.Heard.Contains("ended"), "it is gone");
        await two.Links.DisposeAsync();

        one.Send(two, "to nobody");

        await Wait.For(one.Links.FlushAllAsync(), "nothing to wait for");
    }

    [Fact]
    public async Task A_link_with_a_node_that_is_gone_and_never_answers_ends_and_then_nothing_is_sent()
    {
        var (one, two) = await LinkedAsync();
        LinkedNodes.Leave(one, two);
        await Wait.Until(() => one.Ends == 1, "it is gone");
        await two.Links.DisposeAsync();

        one.Send(two, "to nobody");
        await _nodes.Until(() => one.Heard.Count(text => text == "ended") == 2, "the link to nobody has ended", TimeSpan.FromSeconds(1));

        await Wait.Until(() => one.Wire is { Ends: 2, Waiting: 0, IsDone: true } && _nodes.Clock.ArmedTimers == 0, "nothing is to be done");
        var published = one.Wire.Published;
        _nodes.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(published, one.Wire.Published);
    }

    [Fact]
    public async Task A_link_that_the_late_packet_of_a_node_began_which_is_gone_ends_too()
    {
        var (one, two) = await LinkedAsync();
        LinkedNodes.Leave(one, two);
        await Wait.Until(() => one.Heard.Contains("ended"), "it is gone");
        await two.Links.DisposeAsync();
        var packet = new LinkWriter();
        packet.Begin(two.Id);
        packet.Write(new TextItem("late"));
        var bytes = packet.End().ToArray();
        LinkHeader.Stamp(bytes, LinkFlags.Items, from: 7, to: 0, number: 1, received: 0);
        one.Links.TryTake(bytes);

        one.Send(two, "to nobody");
        await _nodes.Until(() => one.Heard.Count(static text => text == "ended") == 2, "the link to nobody has ended", TimeSpan.FromSeconds(1));

        Assert.Equal(["2", "ended", "late", "ended"], one.Heard);
    }

    [Fact]
    public async Task A_link_that_began_anew_while_the_other_node_left_ends_too()
    {
        var (one, two) = await LinkedAsync();
        one.Links.Ended += Again;
        two.Wire.Decide = static () => Fate.GetsLost; // it is dead

        LinkedNodes.Leave(one, two);

        await _nodes.Until(() => one.Heard.Count(static text => text == "ended") == 2, "the link to nobody has ended", TimeSpan.FromSeconds(1));

        void Again(string nodeId)
        {
            one.Links.Ended -= Again;
            one.Send(two, "to nobody");
        }
    }

    [Fact]
    public async Task A_node_of_another_version_is_refused_with_a_sentence()
    {
        var (one, two) = await LinkedAsync();
        var packet = new LinkWriter();
        packet.Begin(two.Id);
        var bytes = packet.End();
        LinkHeader.Stamp(bytes, LinkFlags.Items, from: 7, to: 0, number: 1, received: 0);
        bytes[bytes.Count - LinkHeaderLengthOf(two.Id)] = 2;

        one.Links.TryTake(bytes.ToArray());
        await Wait.Until(() => one.Heard.Contains("ended") && two.Heard.Contains("ended"), "the link has ended");

        Assert.Contains(_nodes.Log.Lines, line => line.StartsWith(string.Create(CultureInfo.InvariantCulture, $"Error 1042 {two.Id} speaks version 2"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_of_another_version_that_comes_again_and_again_is_logged_once()
    {
        var (one, two) = await LinkedAsync();
        var packet = new LinkWriter();
        packet.Begin(two.Id);
        var bytes = packet.End();
        LinkHeader.Stamp(bytes, LinkFlags.Items, from: 7, to: 0, number: 1, received: 0);
        bytes[bytes.Count - LinkHeaderLengthOf(two.Id)] = 2;

        for (var time = 1; time <= 3; time++)
        {
            one.Send(two, "greeting");
            one.Links.TryTake(bytes.ToArray());
        }

        Assert.True(one.Heard.Count(static text => text == "ended") >= 3);
        Assert.Single(_nodes.Log.Lines, static line => line.Contains("another version", StringComparison.Ordinal));
        Assert.Single(_nodes.Log.Lines, static line => line.StartsWith("Error 1042", StringComparison.Ordinal));
    }

    [Fact]
    public void A_packet_for_a_node_that_is_gone_does_not_count_as_a_dropped_message()
    {
        var packet = new LinkWriter();
        packet.Begin("here");
        using var log = new RecordedLog();

        UnheardMessages.Tell(Topic.OfNode("gone"), packet.End(), log.CreateLogger("Runnel"));
        Assert.Empty(log.Lines);
        UnheardMessages.Tell(Topic.OfNode("gone"), EnvelopeFormat.Encode(new Envelope(new Message("chat", ReadOnlyMemory<byte>.Empty))), log.CreateLogger("Runnel"));
        Assert.Single(log.Lines);
    }

    [Fact]
    public async Task A_packet_that_is_cut_short_is_no_packet_and_one_that_lies_ends_the_link()
    {
        var (one, two) = await LinkedAsync();
        var packet = new LinkWriter();
        packet.Begin(two.Id);
        packet.Write(new TextItem("text"));
        var bytes = packet.End().ToArray();
        LinkHeader.Stamp(bytes, LinkFlags.Items, from: 1, to: 1, number: 2, received: 0);

        Assert.Throws<FormatException>(() => one.Links.TryTake(bytes.AsMemory(0, 70)));
        one.Links.TryTake(bytes.AsMemory(0, bytes.Length - 1));

        await Wait.Until(() => one.Heard.Contains("ended") && two.Heard.Contains("ended"), "the link has ended");
        Assert.Equal(["2", "ended"], one.Heard);
    }

    [Fact]
    public async Task An_item_that_cannot_be_written_ends_the_link_with_a_sentence()
    {
        var (one, two) = await LinkedAsync();

        one.Links.Send(two.Id, new BrokenItem());

        await Wait.Until(() => one.Heard.Contains("ended") && two.Heard.Contains("ended"), "the link has ended");
        Assert.Contains(_nodes.Log.Lines, line => line.StartsWith("Error 1044", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_receiver_that_fails_loses_one_item_and_no_more()
    {
        var (one, two) = await LinkedAsync();
        two.OnHeard = text => Assert.NotEqual("bad", text);

        one.Send(two, "bad");
        one.Send(two, "good");
        await _nodes.FlushAsync(one, two);

        Assert.Equal(["1", "bad", "good"], two.Heard);
        Assert.Contains(_nodes.Log.Lines, line => line.StartsWith("Error 1043", StringComparison.Ordinal));
    }

    private static int LinkHeaderLengthOf(string nodeId) => 35 + nodeId.Length;

    // The link has ended, and the news gets lost.
    private static async Task LeaveUntoldAsync(LinkedNode one, LinkedNode two)
    {
        await one.LoseAsync(() => LinkedNodes.Leave(one, two));
        await Wait.Until(() => one.Nodes.IsHeard, "the end of the link, and nothing is remembered of it");
    }

    private async Task<(LinkedNode One, LinkedNode Two)> LinkedAsync()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await _nodes.SettleAsync(one, two, "1");
        await _nodes.SettleAsync(two, one, "2");
        return (one, two);
    }

    private sealed class BrokenItem : LinkItem
    {
        public override LinkKind Kind => LinkKind.ToWorker;

        public override void WriteTo(System.Buffers.IBufferWriter<byte> output) => throw new InvalidOperationException("The test lets it fail.");
    }
}
