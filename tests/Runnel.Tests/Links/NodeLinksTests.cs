using System.Globalization;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Links;

/// <summary>What one node sends another arrives once and in order, whatever becomes of single packets.</summary>
public sealed class NodeLinksTests : IAsyncDisposable
{
    private readonly LinkedNodes _nodes = new();

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task What_is_sent_arrives_in_order_in_both_directions_at_once()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());

        for (var i = 0; i < 100; i++)
        {
            one.Send(two, Number(i));
            two.Send(one, Number(i));
        }
        await _nodes.FlushAsync(one, two);

        Assert.Equal(Numbers(100), one.Heard);
        Assert.Equal(Numbers(100), two.Heard);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Packets_that_get_lost_come_twice_late_or_fail_change_nothing(int seed)
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var random = new Random(seed);
        one.Wire.Decide = two.Wire.Decide = Decide;

        for (var i = 0; i < 1000; i++)
        {
            one.Send(two, Number(i));
            two.Send(one, Number(i));
            if (i % 10 == 0)
                await _nodes.Until(() => true, "time passes");
        }
        await _nodes.FlushAsync(one, two);

        Assert.Equal(Numbers(1000), one.Heard);
        Assert.Equal(Numbers(1000), two.Heard);

        Fate Decide()
        {
            lock (random)
                return random.Next(3) == 0 ? (Fate)random.Next(6) : Fate.Arrives;
        }
    }

    [Fact]
    public async Task Nothing_is_sent_when_there_is_nothing_to_say()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await _nodes.SettleAsync(one, two, "1");
        var published = (one.Wire.Published, two.Wire.Published);

        _nodes.Clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(0, _nodes.Clock.ArmedTimers);
        Assert.Equal(published, (one.Wire.Published, two.Wire.Published));
    }

    [Fact]
    public async Task What_is_sent_while_a_packet_is_under_way_goes_together_in_the_next_one()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var held = new TaskCompletionSource();
        one.Wire.Held = held.Task;

        for (var i = 0; i < 1000; i++)
            one.Send(two, Number(i));
        await Wait.Until(() => one.Wire.Waiting == 1, "the first packet is under way");
        for (var i = 1000; i < 2000; i++)
            one.Send(two, Number(i));
        held.SetResult();
        await Wait.Until(() => two.Heard.Count == 2000, "all is there"); // nobody moves the clock, or what is not confirmed in time would be sent again

        Assert.Equal(Numbers(2000), two.Heard);
        Assert.Equal(2, one.Wire.Published);
    }

    [Fact]
    public async Task Items_that_merge_are_one_until_they_are_under_way()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var held = new TaskCompletionSource();
        one.Wire.Held = held.Task;
        one.Send(two, "under way");
        await Wait.Until(() => one.Wire.Waiting == 1, "the first packet is under way");

        one.Links.Send(two.Id, new MergingItem("a"));
        one.Links.Send(two.Id, new MergingItem("b"));
        one.Send(two, "x");
        one.Links.Send(two.Id, new MergingItem("c"));
        held.SetResult();
        await _nodes.FlushAsync(one, two);

        Assert.Equal(["under way", "ab", "x", "c"], two.Heard);
    }

    [Fact]
    public async Task A_large_item_and_a_hundred_thousand_small_ones_arrive()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var large = new string('x', 1024 * 1024);

        one.Send(two, large);
        for (var i = 0; i < 100_000; i++)
            one.Send(two, Number(i));
        one.Send(two, large);
        await _nodes.FlushAsync(one, two);

        Assert.Equal(Numbers(100_000).Prepend(large).Append(large), two.Heard);
    }

    [Fact]
    public async Task A_hole_is_asked_for_at_once_and_not_when_time_has_passed()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await _nodes.SettleAsync(one, two, "1");
        await one.LoseAsync(() => one.Send(two, "2"));

        one.Send(two, "3");

        await Wait.Until(() => two.Heard.Count == 3, "all is there"); // nobody moves the clock
        Assert.Equal(["1", "2", "3"], two.Heard);
    }

    [Fact]
    public async Task A_node_that_was_told_of_a_gap_of_its_inbox_asks_for_what_it_lacks()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await _nodes.SettleAsync(one, two, "1");
        await one.LoseAsync(() => one.Send(two, "2"));

        two.Links.OnGap();

        await Wait.Until(() => two.Heard.Count == 2, "it is there");
    }

    [Fact]
    public async Task What_could_not_be_published_is_sent_again_when_the_layer_is_back()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        one.Wire.Decide = () => Fate.Fails;
        one.Send(two, "1");
        await Wait.Until(() => _nodes.Log.Lines.Any(line => line.StartsWith("Warning 1041", StringComparison.Ordinal)) && _nodes.Clock.ArmedTimers == 1, "publishing has failed, and rests");
        one.Send(two, "2");
        one.Wire.Decide = () => Fate.Arrives;

        one.Wire.Change(BackplaneState.Connected);

        await Wait.Until(() => two.Heard.Count == 2, "it is there"); // nobody moves the clock
        Assert.Equal(["1", "2"], two.Heard);
    }

    [Fact]
    public async Task A_node_that_hears_nothing_gets_no_more_than_a_window_and_few_packets_again()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        one.Wire.Decide = () => Fate.GetsLost;
        for (var i = 0; i < 100; i++)
            one.Send(two, new string('x', LinkLimits.PacketBytes));
        await Wait.Until(() => one.Wire.Lost == LinkLimits.MostBytesUnderWay / LinkLimits.PacketBytes, "as much is under way as may be");

        var began = _nodes.Clock.GetTimestamp();
        for (var again = 1; again <= 5; again++)
        {
            var lost = one.Wire.Lost;
            await _nodes.Until(() => one.Wire.Lost > lost, "it is sent again");
            await Wait.Until(() => one.Wire.Lost == lost + LinkLimits.FewUnderWay, "as much is sent again as may be");
        }
        Assert.InRange(_nodes.Clock.GetElapsedTime(began), TimeSpan.FromSeconds(15), TimeSpan.MaxValue);

        one.Wire.Decide = () => Fate.Arrives;
        await _nodes.FlushAsync(one, two);
        Assert.Equal(100, two.Heard.Count);
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(1024 * 1024, 20)]
    public async Task However_much_is_sent_nothing_waits_for_time_to_pass(int size, int count)
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());

        for (var sent = 1; sent <= count; sent++)
        {
            one.Send(two, new string('x', size));
            await Wait.Until(() => two.Heard.Count == sent, "it is there"); // nobody moves the clock
        }
    }

    [Fact]
    public async Task After_a_bad_time_what_gets_lost_is_sent_again_as_soon_as_before()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await RecoverAsync(one, two);
        await _nodes.Until(() => _nodes.Clock.ArmedTimers == 0, "nothing is to be done");
        one.Wire.Decide = () => Fate.GetsLost;
        var lost = one.Wire.Lost;
        one.Send(two, "2");
        await Wait.Until(() => one.Wire.Lost > lost && _nodes.Clock.ArmedTimers > 0, "it is lost, and noted down to be sent again");
        one.Wire.Decide = () => Fate.Arrives;

        _nodes.Clock.Advance(TimeSpan.FromSeconds(1));

        await Wait.Until(() => two.Heard.Count == 2, "it is there");
    }

    [Fact]
    public async Task After_a_bad_time_as_many_packets_may_be_under_way_as_before()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await RecoverAsync(one, two);
        for (var confirmed = 0; confirmed < 5; confirmed++)
            await _nodes.SettleAsync(one, two, Number(confirmed)); // not a flush, which moves the clock until the answer is there: what is sent again then makes the time a bad one again
        one.Wire.Decide = () => Fate.GetsLost;
        var lost = one.Wire.Lost;

        for (var under = 1; under <= LinkLimits.MostUnderWay; under++)
        {
            one.Send(two, Number(under));
            await Wait.Until(() => one.Wire.Lost == lost + under, "it is under way");
        }
    }

    [Fact]
    public async Task What_arrived_is_confirmed_after_a_moment_although_nothing_is_said_back_and_is_not_sent_again()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        one.Send(two, "1");
        await Wait.Until(() => two.Heard.Count == 1 && _nodes.Clock.ArmedTimers == 2, "it has arrived, and both have noted down when they do something");

        _nodes.Clock.Advance(TimeSpan.FromTicks(LinkLimits.ConfirmAfter));
        await Wait.Until(() => two.Wire.Published == 1 && two.Wire.IsDone && _nodes.Clock.ArmedTimers <= 1, "it is confirmed");
        _nodes.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal((1, 1), (one.Wire.Published, two.Wire.Published));
    }

    [Fact]
    public void A_packet_that_the_layer_may_still_have_is_sent_again_from_other_memory()
    {
        var writer = new LinkWriter();
        writer.Begin("here");
        var content = writer.End();
        var packet = new LinkPacket(content, number: 1, items: 1);

        packet.Leave();
        packet.Arrive(isKeptByLayer: true);

        Assert.True(packet.Memory.Span.SequenceEqual(content));
        Assert.False(packet.Memory.Span.Overlaps(content));
    }

    [Fact]
    public async Task Items_of_kinds_of_a_later_version_are_left_out_and_logged_once_and_the_link_goes_on()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());

        foreach (var kind in new byte[] { 0, 98, 99, 98, 99 })
        {
            one.Links.Send(two.Id, new TextItem("later", (LinkKind)kind));
            one.Send(two, Number(kind));
        }
        await _nodes.FlushAsync(one, two);

        Assert.Equal(["0", "98", "99", "98", "99"], two.Heard);
        Assert.Equal(
            new[] { 0, 98, 99 }.Select(kind => string.Create(CultureInfo.InvariantCulture, $"Warning 1051 {one.Id} sent something of a kind ({kind})")),
            _nodes.Log.Lines.Where(static line => line.StartsWith("Warning 1051", StringComparison.Ordinal)).Select(static line => line[..(line.IndexOf(')', StringComparison.Ordinal) + 1)]));
    }

    // What is sent gets lost again and again, and arrives in the end.
    private async Task RecoverAsync(LinkedNode one, LinkedNode two)
    {
        one.Wire.Decide = () => Fate.GetsLost;
        one.Send(two, "1");
        for (var again = 1; again <= 5; again++)
            await _nodes.Until(() => one.Wire.Lost >= again, "it is lost");
        one.Wire.Decide = () => Fate.Arrives;
        await _nodes.FlushAsync(one, two);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<string> Numbers(int count) => Enumerable.Range(0, count).Select(Number);
}
