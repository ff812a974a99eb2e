using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests;

/// <summary>How a topic holds back, fills gaps and tells those that it cannot fill, with a history that the test answers for.</summary>
public sealed partial class TopicFlowTests : IDisposable
{
    private const long Epoch = 7, NextEpoch = 8;
    private const int FillFailed = 402, ListenerFailed = 403;

    private static readonly TopicHistory NoHistory = new([], Position.None, IsComplete: true, HasMore: false);

    private readonly RecordedLog _log = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly Channel<Read> _reads = Channel.CreateUnbounded<Read>();
    private readonly Recorder _told = new();
    private readonly TopicFlow _topic;
    private readonly ITopicSubscription _subscription;

    public TopicFlowTests()
    {
        _topic = New(ReadAsync);
        _subscription = _topic.TryAdd(_told, NoEnd)!;
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public void What_comes_before_the_topic_has_begun_is_handed_on_when_it_has_and_the_subscription_says_where_it_begins()
    {
        _topic.Take(Of(5));
        _topic.Take(Of(6));
        _topic.Take(Plain("plain"));

        _topic.Begin(new(Epoch, 5));

        Assert.Equal(["6", "plain"], _told.Seen);
        Assert.Equal(new(Epoch, 5), _subscription.Begins);
    }

    [Fact]
    public void A_double_is_dropped_and_a_message_without_a_position_passes()
    {
        _topic.Begin(new(Epoch, 5));

        foreach (var message in new[] { Of(5), Of(6), Plain("plain"), Of(6), Of(7) })
            _topic.Take(message);

        Assert.Equal(["6", "plain", "7"], _told.Seen);
    }

    [Fact]
    public void A_topic_without_history_so_far_begins_with_its_first_message()
    {
        _topic.Begin(Position.None);

        _topic.Take(Of(1));
        _topic.Take(Of(2));

        Assert.Equal(["1", "2"], _told.Seen);
        Assert.Equal(Position.None, _subscription.Begins);
    }

    [Fact]
    public void A_later_subscription_begins_where_the_topic_is()
    {
        var later = new Recorder();
        _topic.Begin(new(Epoch, 5));
        _topic.Take(Of(6));

        var subscription = _topic.TryAdd(later, NoEnd)!;
        _topic.Take(Of(7));

        Assert.Equal(new(Epoch, 6), subscription.Begins);
        Assert.Equal(["7"], later.Seen);
    }

    [Fact]
    public void A_listener_that_throws_costs_the_others_nothing_and_is_logged()
    {
        var later = new Recorder();
        _told.OnNext = () => throw new InvalidOperationException("a fault of the application");
        _topic.TryAdd(later, NoEnd);
        _topic.Begin(new(Epoch, 1));

        _topic.Take(Of(2));

        Assert.Equal(["2"], later.Seen);
        Assert.Single(_log.Of(ListenerFailed));
    }

    [Fact]
    public async Task A_listener_may_subscribe_and_end_subscriptions_while_it_is_called()
    {
        var later = new Recorder();
        _topic.Begin(new(Epoch, 1));
        _told.OnNext = () =>
        {
            _topic.TryAdd(later, NoEnd);
            Assert.True(_subscription.DisposeAsync().AsTask().IsCompleted);
        };

        _topic.Take(Of(2));
        _topic.Take(Of(3));

        Assert.Equal(["2"], _told.Seen);
        Assert.Equal(["3"], later.Seen);
        await _subscription.DisposeAsync();
    }

    [Fact]
    public void A_subscription_that_ends_while_a_gap_is_told_is_not_told()
    {
        var other = new Recorder();
        var ended = _topic.TryAdd(other, NoEnd)!;
        _told.OnNext = () => Assert.True(ended.DisposeAsync().AsTask().IsCompleted);
        _topic.Begin(new(Epoch, 1));

        _topic.Doubt();

        Assert.Single(_told.Seen);
        Assert.Empty(other.Seen);
    }

    [Fact]
    public async Task The_flow_ends_with_its_last_subscription_and_takes_no_other()
    {
        var ends = 0;
        var other = _topic.TryAdd(new Recorder(), () =>
        {
            ends++;
            return ValueTask.CompletedTask;
        })!;

        await _subscription.DisposeAsync();
        Assert.False(_topic.HasEnded);
        await other.DisposeAsync();
        await other.DisposeAsync();

        Assert.True(_topic.HasEnded);
        Assert.Null(_topic.TryAdd(_told, NoEnd));
        Assert.Equal(1, ends);
    }

    [Fact]
    public async Task A_gap_is_filled_before_what_came_behind_it()
    {
        _topic.Begin(new(Epoch, 1));

        _topic.Take(Of(4));
        _topic.Take(Plain("plain"));
        await AnswerAsync(after: 1, latest: 4, 2, 3, 4);

        await AssertToldAsync("2", "3", "4", "plain");
    }

    [Fact]
    public async Task A_history_that_is_read_late_brings_no_kept_message_before_the_plain_one_that_was_sent_first()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Interrupt(); // as a connection does that was made a moment ago, and tells so only now
        _topic.Take(Plain("plain"));
        _topic.Take(Of(4));
        _topic.Take(Plain("another"));
        _topic.Take(Of(5));

        await AnswerAsync(after: 1, latest: 6, 2, 3, 4, 5, 6);

        await AssertToldAsync("2", "3", "plain", "4", "another", "5", "6");
    }

    [Fact]
    public async Task What_is_missed_while_the_history_is_read_is_read_as_well()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Interrupt();
        _topic.Restore();
        var asked = await NextReadAsync();

        // The connection was lost once more, and is back; the answer is from before.
        _topic.Interrupt();
        _topic.Restore();
        asked.Answer.SetResult(History(latest: 2, 2));
        await AnswerAsync(after: 2, latest: 3, 3);

        await AssertToldAsync("2", "3");
    }

    [Fact]
    public async Task What_is_missed_while_the_topic_begins_is_read_as_well()
    {
        _topic.Interrupt();
        _topic.Restore();

        _topic.Begin(new(Epoch, 1));
        await AnswerAsync(after: 1, latest: 3, 2, 3);

        await AssertToldAsync("2", "3");
    }

    [Fact]
    public async Task A_history_that_cannot_be_read_is_read_again_and_nothing_is_kept_back_for_ever()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Interrupt();
        _topic.Restore();

        (await NextReadAsync()).Answer.SetException(new IOException("no memory left"));
        _topic.Take(Of(2));
        await LetRestAsync();
        await AnswerAsync(after: 1, latest: 2, 2);

        await AssertToldAsync("2");
        Assert.Single(_log.Of(FillFailed));
        _topic.Take(Of(3));
        await AssertToldAsync("2", "3");
    }

    [Fact]
    public async Task A_topic_that_nobody_listens_to_any_more_is_not_read_again()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Restore();
        var read = await NextReadAsync();

        await _subscription.DisposeAsync();
        read.Answer.SetException(new IOException("no memory left"));
        await LetRestAsync();

        Assert.False(_reads.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Pages_are_read_to_the_end()
    {
        _topic.Begin(new(Epoch, 1));
        _topic.Interrupt();
        _topic.Restore();

        (await NextReadAsync()).Answer.SetResult(History(latest: 4, 2, 3) with { HasMore = true });
        await AnswerAsync(after: 3, latest: 4, 4);

        await AssertToldAsync("2", "3", "4");
    }

    private static ValueTask NoEnd() => ValueTask.CompletedTask;

    private static BackplaneMessage Of(long offset) => new(new Position(Epoch, offset), Encoding.UTF8.GetBytes($"{offset}"));

    private static BackplaneMessage OfNext(long offset) => new(new Position(NextEpoch, offset), Encoding.UTF8.GetBytes($"8:{offset}"));

    private static BackplaneMessage Plain(string text) => new(Position.None, Encoding.UTF8.GetBytes(text));

    private static TopicHistory History(long latest, params long[] offsets) => new([.. offsets.Select(Of)], new(Epoch, latest), IsComplete: true, HasMore: false);

    private TopicFlow New(Func<Position, int, Task<TopicHistory>>? readHistory) =>
        new(Topic.OfGroup("articles"), readHistory, _clock, new Logger<TopicFlow>(new LoggerFactory([_log])));

    private Task<TopicHistory> ReadAsync(Position after, int limit)
    {
        var read = new Read(after, new TaskCompletionSource<TopicHistory>());
        _reads.Writer.TryWrite(read);
        return read.Answer.Task;
    }

    private Task<Read> NextReadAsync() => Wait.For(_reads.Reader.ReadAsync().AsTask(), "the history to be read");

    private async Task AnswerAsync(long after, long latest, params long[] offsets)
    {
        var read = await NextReadAsync();
        Assert.Equal(new(Epoch, after), read.After);
        read.Answer.SetResult(History(latest, offsets));
    }

    private async Task LetRestAsync()
    {
        await Wait.Until(() => _clock.ArmedTimers > 0, "it rests");
        _clock.Advance(TimeSpan.FromSeconds(1));
    }

    private Task AssertToldAsync(params string[] texts) =>
        Wait.Until(() => _told.Seen.SequenceEqual(texts), $"{string.Join(", ", texts.TakeLast(10))} were told, and not {string.Join(", ", _told.Seen.TakeLast(10))}");

    private sealed record Read(Position After, TaskCompletionSource<TopicHistory> Answer);

    private sealed class Recorder : ITopicListener
    {
        private readonly List<string> _seen = [];

        public Action OnNext { get; set; } = static () => { };

        public IReadOnlyList<string> Seen
        {
            get
            {
                lock (_seen)
                    return [.. _seen];
            }
        }

        public void OnMessage(BackplaneMessage message)
        {
            Add(TopicListener.Text(message));
            OnNext();
        }

        public void OnGap(TopicGap gap)
        {
            Add($"gap {gap.After} {gap.Resumes}");
            OnNext();
        }

        private void Add(string text)
        {
            lock (_seen)
                _seen.Add(text);
        }
    }
}
