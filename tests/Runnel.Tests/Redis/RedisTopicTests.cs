using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Redis.Topics;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>How one topic fills its gaps, with a history that the test answers for.</summary>
public sealed class RedisTopicTests : IDisposable
{
    private const long Epoch = 7, NextEpoch = 8;

    private readonly RecordedLog _log = new();
    private readonly Channel<(Position After, TaskCompletionSource<TopicHistory> Answer)> _reads = Channel.CreateUnbounded<(Position, TaskCompletionSource<TopicHistory>)>();
    private readonly List<string> _delivered = [];
    private readonly RedisTopic _topic;

    public RedisTopicTests()
    {
        _topic = new RedisTopic(Topic.OfGroup("articles"), ReadAsync, new Logger<RedisTopic>(new LoggerFactory([_log])));
        _topic.Add(new RedisSubscription(message => _delivered.Add(TopicListener.Text(message)), _ => { }));
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public void What_comes_before_the_topic_has_begun_is_handed_on_when_it_has()
    {
        _topic.Take(Of(5));
        _topic.Take(Of(6));
        _topic.Take(new(Position.None, "plain"u8.ToArray()));

        _topic.Begin(new(Epoch, 5));

        Assert.Equal(["6", "plain"], _delivered);
    }

    [Fact]
    public async Task A_gap_is_filled_before_what_came_behind_it()
    {
        _topic.Begin(new(Epoch, 1));

        _topic.Take(Of(4));
        _topic.Take(new(Position.None, "plain"u8.ToArray()));
        await AnswerAsync(after: 1, latest: 4, 2, 3, 4);

        await AssertDeliveredAsync("2", "3", "4", "plain");
    }

    [Fact]
    public async Task A_history_that_is_read_late_brings_no_kept_message_before_the_plain_one_that_was_sent_first()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.HoldBack(); // as a connection does that was made a moment ago, and tells so only now
        _topic.Take(new(Position.None, "plain"u8.ToArray()));
        _topic.Take(Of(4));
        _topic.Take(new(Position.None, "another"u8.ToArray()));
        _topic.Take(Of(5));

        _ = _topic.FillAsync();
        await AnswerAsync(after: 1, latest: 6, 2, 3, 4, 5, 6);

        await AssertDeliveredAsync("2", "3", "plain", "4", "another", "5", "6");
    }

    [Fact]
    public async Task What_is_missed_while_the_history_is_read_is_read_as_well()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.HoldBack();
        var first = _topic.FillAsync();
        var asked = await NextReadAsync();

        // The connection was lost once more, and is back; the answer is from before.
        _topic.HoldBack();
        await _topic.FillAsync();
        asked.Answer.SetResult(History(latest: 2, 2));
        await AnswerAsync(after: 2, latest: 3, 3);

        await Wait.For(first, "the topic to be filled");
        await AssertDeliveredAsync("2", "3");
    }

    [Fact]
    public async Task A_history_that_cannot_be_read_is_read_again_and_nothing_is_kept_back_for_ever()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.HoldBack();
        _ = _topic.FillAsync();

        (await NextReadAsync()).Answer.SetException(new IOException("no memory left"));
        _topic.Take(Of(2));
        await AnswerAsync(after: 1, latest: 2, 2);

        await AssertDeliveredAsync("2");
        Assert.Single(_log.Of(4014));
        _topic.Take(Of(3));
        Assert.Equal(["2", "3"], _delivered);
    }

    [Fact]
    public async Task A_topic_that_nobody_listens_to_any_more_stops_trying()
    {
        var subscription = new RedisSubscription(_ => { }, _ => { });
        var topic = new RedisTopic(Topic.OfGroup("articles"), ReadAsync, new Logger<RedisTopic>(new LoggerFactory([_log])));
        topic.Add(subscription);
        topic.Begin(new(Epoch, 1));
        var filling = topic.FillAsync();

        topic.Remove(subscription);
        (await NextReadAsync()).Answer.SetException(new IOException("no memory left"));

        await Wait.For(filling, "the end of it");
    }

    [Fact]
    public async Task Pages_are_read_to_the_end()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.HoldBack();
        _ = _topic.FillAsync();

        (await NextReadAsync()).Answer.SetResult(History(latest: 4, 2, 3) with { HasMore = true });
        await AnswerAsync(after: 3, latest: 4, 4);

        await AssertDeliveredAsync("2", "3", "4");
    }

    [Fact]
    public async Task What_the_history_does_not_hold_any_more_is_told_and_the_rest_is_handed_on()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.HoldBack();
        _ = _topic.FillAsync();

        (await NextReadAsync()).Answer.SetResult(History(latest: 9, 8, 9) with { IsComplete = false });

        await AssertDeliveredAsync("8", "9");
        Assert.Contains($"{Epoch:x}:8", Assert.Single(_log.Of(4005)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_history_has_lost_of_a_topic_that_had_none_when_it_began_is_told_too()
    {
        _topic.Begin(Position.None);
        _topic.HoldBack();
        _ = _topic.FillAsync();

        (await NextReadAsync()).Answer.SetResult(History(latest: 9, 8, 9));

        await AssertDeliveredAsync("8", "9");
        Assert.Single(_log.Of(4005));
    }

    [Fact]
    public async Task A_gap_in_a_history_of_which_nothing_is_left_is_told_and_what_was_heard_behind_it_is_handed_on()
    {
        _topic.Begin(new(Epoch, 1));

        _topic.Take(Of(4));
        (await NextReadAsync()).Answer.SetResult(new TopicHistory([], new(Epoch, 4), IsComplete: false, HasMore: false));
        await Wait.Until(() => _log.Of(4005).Any(), "the gap was told");
        _topic.Take(Of(5));

        await AssertDeliveredAsync("4", "5");
        Assert.Contains($"{Epoch:x}:4", Assert.Single(_log.Of(4005)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_history_goes_on_where_the_old_one_is_gone_and_nothing_is_said_to_be_missed()
    {
        _topic.Begin(new(Epoch, 50));

        _topic.Take(new(new Position(NextEpoch, 1), "1"u8.ToArray()));
        _topic.HoldBack();
        _ = _topic.FillAsync();
        (await NextReadAsync()).Answer.SetResult(new TopicHistory([new(new Position(NextEpoch, 2), "2"u8.ToArray())], new(NextEpoch, 2), IsComplete: true, HasMore: false));

        await AssertDeliveredAsync("1", "2");
        Assert.Empty(_log.Of(4005));
    }

    [Fact]
    public async Task What_Redis_has_lost_of_the_end_is_told_and_nothing_is_handed_on_twice()
    {
        _topic.Begin(Position.None);
        for (var offset = 1; offset <= 5; offset++)
            _topic.Take(Of(offset));
        _topic.HoldBack();
        _ = _topic.FillAsync();

        (await NextReadAsync()).Answer.SetResult(History(latest: 3, 1, 2, 3) with { IsComplete = false });
        await Wait.Until(() => _log.Of(4021).Any(), "the loss was told");
        _topic.Take(new(new Position(Epoch, 4), "new"u8.ToArray()));

        await AssertDeliveredAsync("1", "2", "3", "4", "5", "new");
    }

    [Fact]
    public async Task A_message_that_could_not_be_read_is_no_gap_for_ever()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.HoldBack();
        _ = _topic.FillAsync();

        // 2 and 4 are there, but cannot be read.
        await AnswerAsync(after: 1, latest: 4, 3);
        await AssertDeliveredAsync("3");
        _topic.Take(Of(5));

        Assert.Equal(["3", "5"], _delivered);
        Assert.Empty(_log.Of(4005));
        Assert.False(_reads.Reader.TryRead(out _));
    }

    [Fact]
    public async Task No_more_is_held_back_than_so_much_and_of_the_rest_what_is_kept_is_read_from_the_history()
    {
        const int MostHeld = 16_384;
        _topic.Begin(new(Epoch, 1));
        _topic.HoldBack();
        for (var i = 0; i < MostHeld; i++)
            _topic.Take(new(Position.None, "held"u8.ToArray()));

        _topic.Take(new(Position.None, "dropped"u8.ToArray()));
        _topic.Take(Of(2));
        _ = _topic.FillAsync();
        await AnswerAsync(after: 1, latest: 1);
        await AnswerAsync(after: 1, latest: 2, 2);

        await AssertDeliveredAsync([.. Enumerable.Repeat("held", MostHeld), "2"]);
    }

    private static BackplaneMessage Of(long offset) => new(new Position(Epoch, offset), Encoding.UTF8.GetBytes($"{offset}"));

    private static TopicHistory History(long latest, params long[] offsets) => new([.. offsets.Select(Of)], new(Epoch, latest), IsComplete: true, HasMore: false);

    private Task<TopicHistory> ReadAsync(Topic topic, Position after, int limit)
    {
        var answer = new TaskCompletionSource<TopicHistory>();
        _reads.Writer.TryWrite((after, answer));
        return answer.Task;
    }

    private Task<(Position After, TaskCompletionSource<TopicHistory> Answer)> NextReadAsync() => Wait.For(_reads.Reader.ReadAsync().AsTask(), "the history to be read");

    private async Task AnswerAsync(long after, long latest, params long[] offsets)
    {
        var read = await NextReadAsync();
        Assert.Equal(new(Epoch, after), read.After);
        read.Answer.SetResult(History(latest, offsets));
    }

    private Task AssertDeliveredAsync(params string[] texts) =>
        Wait.Until(() => _delivered.Count >= texts.Length && _delivered.SequenceEqual(texts), $"{string.Join(", ", texts)} were delivered");
}
