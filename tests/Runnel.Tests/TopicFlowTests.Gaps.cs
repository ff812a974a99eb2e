using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests;

public sealed partial class TopicFlowTests
{
    [Fact]
    public async Task What_the_history_does_not_hold_any_more_is_told_in_its_place_and_the_rest_is_handed_on()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Take(Of(2));
        _topic.Interrupt();
        _topic.Restore();

        (await NextReadAsync()).Answer.SetResult(History(latest: 9, 8, 9) with { IsComplete = false });

        await AssertToldAsync("2", "gap 7:2 7:7", "8", "9");
    }

    [Fact]
    public async Task What_the_history_has_lost_of_a_topic_that_had_none_when_it_began_is_told_too()
    {
        _topic.Begin(Position.None);
        _topic.Interrupt();
        _topic.Restore();

        (await NextReadAsync()).Answer.SetResult(History(latest: 9, 8, 9));

        await AssertToldAsync("gap 0:0 7:7", "8", "9");
    }

    [Fact]
    public async Task A_gap_in_a_history_of_which_nothing_is_left_is_told_and_what_was_heard_behind_it_is_handed_on()
    {
        _topic.Begin(new(Epoch, 1));

        _topic.Take(Of(4));
        (await NextReadAsync()).Answer.SetResult(History(latest: 4) with { IsComplete = false });
        _topic.Take(Of(5));

        await AssertToldAsync("gap 7:1 7:3", "4", "5");
    }

    [Fact]
    public async Task A_listener_that_throws_when_it_is_told_of_a_gap_costs_the_others_nothing_and_is_logged()
    {
        var later = new Recorder();
        _topic.Begin(new(Epoch, 1));
        _topic.TryAdd(later, NoEnd);
        _told.OnNext = () => throw new InvalidOperationException("a fault of the application");

        _topic.Take(Of(4));
        (await NextReadAsync()).Answer.SetResult(History(latest: 4) with { IsComplete = false });

        await Wait.Until(() => later.Seen.Count == 2, "the other one has all");
        Assert.Equal(["gap 7:1 7:3", "4"], later.Seen);
        Assert.Equal(["gap 7:1 7:3", "4"], _told.Seen);
        Assert.Equal(2, _log.Of(ListenerFailed).Count());
    }

    [Fact]
    public async Task A_quiet_topic_goes_on_without_a_gap()
    {
        _topic.Begin(new(Epoch, 4));
        _topic.Interrupt();
        _topic.Restore();

        await AnswerAsync(after: 4, latest: 4);
        _topic.Take(Of(5));

        await AssertToldAsync("5");
    }

    [Fact]
    public async Task A_history_that_begins_anew_is_told_although_its_first_message_is_heard()
    {
        _topic.Begin(new(Epoch, 3));

        _topic.Take(OfNext(1));
        (await NextReadAsync()).Answer.SetResult(new TopicHistory([OfNext(1), OfNext(2)], new(NextEpoch, 2), IsComplete: false, HasMore: false));

        await AssertToldAsync("gap 7:3 8:0", "8:1", "8:2");
    }

    [Fact]
    public async Task An_epoch_that_continues_the_one_before_is_no_gap()
    {
        _topic.Begin(new(Epoch, 3));

        _topic.Take(OfNext(5));
        (await NextReadAsync()).Answer.SetResult(new TopicHistory([OfNext(4), OfNext(5)], new(NextEpoch, 5), IsComplete: true, HasMore: false));
        _topic.Take(OfNext(6));

        await AssertToldAsync("8:4", "8:5", "8:6");
    }

    [Fact]
    public async Task What_was_held_back_of_an_epoch_that_has_ended_is_not_handed_on_twice()
    {
        _topic.Begin(new(Epoch, 3));
        _topic.Take(Of(5)); // 4 is missing, and while it is read the broker is restarted
        var asked = await NextReadAsync();
        _topic.Interrupt();
        _topic.Restore();

        asked.Answer.SetException(new IOException("gone"));
        await LetRestAsync();
        (await NextReadAsync()).Answer.SetResult(new TopicHistory([OfNext(4), OfNext(5)], new(NextEpoch, 5), IsComplete: true, HasMore: false));
        (await NextReadAsync()).Answer.SetResult(new TopicHistory([], new(NextEpoch, 5), IsComplete: true, HasMore: false));

        _topic.Take(OfNext(6));
        await AssertToldAsync("8:4", "8:5", "8:6");
    }

    [Fact]
    public async Task What_was_held_back_of_an_epoch_that_has_ended_and_is_not_in_the_history_is_told()
    {
        _topic.Begin(new(Epoch, 3));
        _topic.Take(Of(5)); // 4 is missing, and while it is read the broker is restarted without either
        var asked = await NextReadAsync();
        _topic.Interrupt();
        _topic.Restore();

        asked.Answer.SetException(new IOException("gone"));
        await LetRestAsync();
        for (var i = 0; i < 2; i++)
            (await NextReadAsync()).Answer.SetResult(new TopicHistory([], new(NextEpoch, 3), IsComplete: true, HasMore: false));

        await AssertToldAsync("gap 0:0 0:0");
        _topic.Take(OfNext(4));
        await AssertToldAsync("gap 0:0 0:0", "8:4");
    }

    [Fact]
    public async Task A_node_that_was_ahead_of_the_history_is_told_and_nothing_new_is_lost()
    {
        _topic.Begin(new(Epoch, 5));

        _topic.Take(OfNext(4));
        (await NextReadAsync()).Answer.SetResult(new TopicHistory([OfNext(4)], new(NextEpoch, 4), IsComplete: false, HasMore: false));

        await AssertToldAsync("gap 7:5 8:3", "8:4");
    }

    [Fact]
    public async Task An_end_that_the_history_has_lost_is_told_and_nothing_is_handed_on_twice()
    {
        _topic.Begin(new(Epoch, 5));
        _topic.Interrupt();
        _topic.Restore();

        (await NextReadAsync()).Answer.SetResult(History(latest: 3, 1, 2, 3) with { IsComplete = false });
        await AssertToldAsync("gap 7:5 7:3");
        _topic.Take(new(new Position(Epoch, 4), "new"u8.ToArray()));

        await AssertToldAsync("gap 7:5 7:3", "new");
    }

    [Fact]
    public async Task A_history_that_is_gone_is_told_as_perhaps_missing_once()
    {
        _topic.Begin(new(Epoch, 5));
        _topic.Interrupt();
        _topic.Restore();

        (await NextReadAsync()).Answer.SetResult(new TopicHistory([], Position.None, IsComplete: false, HasMore: false));
        await AssertToldAsync("gap 7:5 0:0");
        _topic.Take(OfNext(1));

        await AssertToldAsync("gap 7:5 0:0", "8:1");
    }

    [Fact]
    public async Task A_message_that_could_not_be_read_is_no_gap_for_ever()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Interrupt();
        _topic.Restore();

        // 2 and 4 are there, but cannot be read.
        await AnswerAsync(after: 1, latest: 4, 3);
        await AssertToldAsync("3");
        _topic.Take(Of(5));

        await AssertToldAsync("3", "5");
        Assert.False(_reads.Reader.TryRead(out _));
    }

    [Fact]
    public async Task What_is_taken_while_the_wire_is_broken_again_waits_for_the_end_of_that_although_a_read_ends_before()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Interrupt();
        _topic.Restore();
        var asked = await NextReadAsync();

        _topic.Interrupt();
        asked.Answer.SetResult(History(latest: 2, 2));
        await AssertToldAsync("2");
        _topic.Take(Plain("plain"));
        _topic.Restore();
        await AnswerAsync(after: 2, latest: 3, 3);

        await AssertToldAsync("2", "3", "plain");
    }

    [Fact]
    public async Task No_more_is_held_back_than_so_much_and_of_the_rest_what_is_kept_is_read_and_what_is_dropped_is_told()
    {
        const int MostHeld = 16_384;
        _topic.Begin(new(Epoch, 1));
        _topic.Interrupt();
        for (var i = 0; i < MostHeld; i++)
            _topic.Take(Plain("held"));

        _topic.Take(Plain("dropped"));
        _topic.Take(Of(2));
        _topic.Restore();
        await AnswerAsync(after: 1, latest: 1);
        await AnswerAsync(after: 1, latest: 2, 2);

        await AssertToldAsync([.. Enumerable.Repeat("held", MostHeld), "gap 0:0 0:0", "2"]);
    }

    [Fact]
    public async Task What_found_no_room_before_the_topic_began_is_read_from_the_history()
    {
        const int MostHeld = 16_384;
        for (var offset = 2; offset <= MostHeld + 2; offset++)
            _topic.Take(Of(offset));

        _topic.Begin(new(Epoch, 1));
        await AnswerAsync(after: MostHeld + 1, latest: MostHeld + 2, MostHeld + 2);

        await AssertToldAsync([.. Enumerable.Range(2, MostHeld + 1).Select(offset => $"{offset}")]);
    }

    [Fact]
    public async Task No_more_bytes_are_held_back_than_so_many_and_nothing_is_handed_on_before_what_found_no_room()
    {
        const int Megabyte = 1024 * 1024, MostHeld = 16;
        for (var offset = 2; offset <= MostHeld + 2; offset++)
            _topic.Take(new(new(Epoch, offset), new byte[Megabyte]));
        _topic.Take(Of(MostHeld + 3));

        _topic.Begin(new(Epoch, 1));
        await AnswerAsync(after: MostHeld + 1, latest: MostHeld + 3, MostHeld + 2, MostHeld + 3);

        await Wait.Until(() => _told.Seen.Skip(MostHeld).SequenceEqual(["18", "19"]), "what found no room is handed on behind the rest");
    }

    [Fact]
    public async Task What_was_held_back_of_an_epoch_that_has_ended_is_not_handed_on_behind_the_same_message_of_the_next_epoch()
    {
        var asked = await HoldBackAsync(Of(5), OfNext(6));

        asked.Answer.SetResult(new TopicHistory([OfNext(5), OfNext(6)], new(NextEpoch, 6), IsComplete: true, HasMore: false));

        await AssertToldAsync("8:5", "8:6");
        _topic.Take(OfNext(7));
        await AssertToldAsync("8:5", "8:6", "8:7");
    }

    [Fact]
    public async Task What_was_held_back_of_an_epoch_that_has_ended_is_no_second_gap()
    {
        var asked = await HoldBackAsync(Of(6), OfNext(7));

        asked.Answer.SetResult(new TopicHistory([OfNext(6), OfNext(7)], new(NextEpoch, 7), IsComplete: false, HasMore: false));

        await AssertToldAsync("gap 7:4 8:5", "8:6", "8:7");
    }

    [Fact]
    public async Task What_was_held_back_of_an_epoch_that_has_ended_and_has_lost_its_place_is_told()
    {
        var asked = await HoldBackAsync(Of(5), Of(6), OfNext(6));

        asked.Answer.SetResult(new TopicHistory([OfNext(5), OfNext(6)], new(NextEpoch, 6), IsComplete: true, HasMore: false));

        await AssertToldAsync("8:5", "8:6", "gap 0:0 0:0");
    }

    [Fact]
    public async Task What_was_heard_of_a_new_epoch_while_the_history_was_read_is_handed_on()
    {
        var asked = await HoldBackAsync(OfNext(5));
        asked.Answer.SetResult(History(latest: 4)); // read just before the epoch began

        (await NextReadAsync()).Answer.SetResult(new TopicHistory([OfNext(5)], new(NextEpoch, 5), IsComplete: true, HasMore: false));

        await AssertToldAsync("8:5");
    }

    // Hears the messages while the history is read.
    private async Task<Read> HoldBackAsync(params BackplaneMessage[] messages)
    {
        _topic.Begin(new(Epoch, 4));
        _topic.Interrupt();
        _topic.Restore();
        var asked = await NextReadAsync();
        foreach (var message in messages)
            _topic.Take(message);
        return asked;
    }
}
