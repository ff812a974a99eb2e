using Runnel.Layers;
using Xunit;

namespace Runnel.Tests;

public sealed partial class TopicFlowTests
{
    [Fact]
    public async Task A_topic_that_keeps_no_history_tells_once_that_something_may_be_missing_although_its_layer_could_keep_some()
    {
        _topic.Begin(Position.None);
        _topic.Take(Plain("before"));
        _topic.Interrupt();
        _topic.Restore();
        _topic.Take(Plain("after"));

        (await NextReadAsync()).Answer.SetResult(NoHistory);

        await AssertToldAsync("before", "gap 0:0 0:0", "after");
    }

    [Fact]
    public async Task A_connection_that_tells_late_that_it_is_there_is_no_interruption()
    {
        _topic.Begin(Position.None);
        _topic.Restore();

        (await NextReadAsync()).Answer.SetResult(NoHistory);
        _topic.Take(Plain("1"));

        await AssertToldAsync("1");
    }

    [Fact]
    public async Task What_may_be_missing_since_each_of_two_interruptions_is_told_in_its_place_although_the_history_is_read_behind_both()
    {
        _topic.Begin(Position.None);
        foreach (var text in new[] { "1", "2" })
        {
            _topic.Interrupt();
            _topic.Restore();
            _topic.Take(Plain(text));
        }

        for (var i = 0; i < 2; i++)
            (await NextReadAsync()).Answer.SetResult(NoHistory);

        await AssertToldAsync("gap 0:0 0:0", "1", "gap 0:0 0:0", "2");
    }

    [Fact]
    public async Task A_read_that_ends_while_the_wire_is_broken_again_does_not_have_the_topic_told_before_that_is_over()
    {
        _topic.Begin(Position.None);
        _topic.Interrupt();
        _topic.Restore();
        var asked = await NextReadAsync();

        _topic.Interrupt();
        _topic.Interrupt();
        asked.Answer.SetResult(NoHistory);
        _topic.Take(Plain("1"));
        _topic.Restore();
        (await NextReadAsync()).Answer.SetResult(NoHistory);

        await AssertToldAsync("gap 0:0 0:0", "1");
    }

    [Fact]
    public async Task A_doubt_is_told_in_its_place_among_what_is_held_back()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Take(Plain("0"));
        _topic.Take(Of(3)); // 2 is missing, and read
        _topic.Doubt();
        _topic.Take(Of(4));
        _topic.Doubt();
        _topic.Take(Plain("5"));

        await AnswerAsync(after: 1, latest: 4, 2, 3, 4);

        await AssertToldAsync("0", "2", "3", "gap 0:0 0:0", "4", "gap 0:0 0:0", "5");
    }

    [Fact]
    public void Without_history_a_doubt_is_told_in_its_place_among_what_was_heard_before_the_topic_was_restored()
    {
        var (told, topic) = (new Recorder(), New(readHistory: null));
        topic.TryAdd(told, NoEnd);
        topic.Begin(Position.None);

        topic.Interrupt();
        topic.Take(Plain("1"));
        topic.Doubt();
        topic.Take(Plain("2"));
        topic.Restore();

        Assert.Equal(["gap 0:0 0:0", "1", "gap 0:0 0:0", "2"], told.Seen);
    }

    [Fact]
    public void An_interruption_that_is_over_before_the_topic_has_begun_is_not_told()
    {
        var (told, topic) = (new Recorder(), New(readHistory: null));
        topic.TryAdd(told, NoEnd);

        topic.Take(Plain("1"));
        topic.Interrupt();
        topic.Take(Plain("2"));
        topic.Restore();
        topic.Begin(Position.None);

        Assert.Equal(["1", "2"], told.Seen);
    }

    [Fact]
    public void Without_history_a_node_that_was_cut_off_is_told_that_something_may_be_missing()
    {
        var (told, topic) = (new Recorder(), New(readHistory: null));
        topic.TryAdd(told, NoEnd);
        topic.Begin(Position.None);

        topic.Take(Plain("1"));
        topic.Interrupt();
        topic.Take(Plain("2"));
        topic.Restore();
        topic.Take(Plain("3"));

        Assert.Equal(["1", "gap 0:0 0:0", "2", "3"], told.Seen);
    }
}
