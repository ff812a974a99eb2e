using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Topics;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What is heard on the connection for subscriptions, beside what is read on the one for commands.</summary>
public sealed class RedisSubscriberTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private static readonly Topic Articles = Topic.OfGroup("articles");
    private static readonly Retention Keep = new(10, TimeSpan.FromMinutes(1));

    // For what must not happen: on a busy machine a fault may stay hidden, and nothing fails.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    private readonly RedisPlace _place = new(server);
    private readonly TcpWire _wire = TcpWire.To(server.Port);

    [Fact]
    public async Task A_history_that_is_read_sooner_than_what_was_sent_before_is_heard_does_not_change_the_order()
    {
        await using var publisher = new RedisBackplane(_place.Open());
        var (heard, isBack, isRead) = (new ConcurrentQueue<string>(), false, new TaskCompletionSource());
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscriber = new RedisSubscriber(
            _place.Open(address: server.AddressAt(_wire.Port)), ReadAsync, isConnected => _ = isConnected && connected.TrySetResult());
        await using var subscription = await subscriber.SubscribeAsync(Articles, new TextListener(heard), CancellationToken.None);
        // The first connection, too, subscribes to all topics and restores them. When this is answered, it has, and only the next one is left to read.
        await Wait.For(connected.Task, "the connection");
        await Wait.For(subscriber.Client.ExecuteAsync(RespWriter.Encode("ECHO", "restored")), "the first connection to have restored the topic");

        isBack = true;
        subscriber.Client.Break();
        await Wait.For(isRead.Task, "the history to be read");
        await Wait.Until(() => !heard.IsEmpty || _place.Probe.Clients().Any(client => client.Contains("cmd=ping", StringComparison.Ordinal)), "it is handed on, or waits for what is on its way");
        _wire.Heal();
        await Wait.Until(() => heard.Count == 2, "both are heard");

        Assert.Equal(["plain", "kept"], heard);

        // The connection is back and subscribed, and what is published now is on its way to it when the history is read.
        async Task<TopicHistory> ReadAsync(Topic topic, Position after, int limit)
        {
            if (isBack && !isRead.Task.IsCompleted)
            {
                _wire.Silence(toServer: false);
                await publisher.PublishAsync(topic, "plain"u8.ToArray(), retention: null);
                await publisher.PublishAsync(topic, "kept"u8.ToArray(), Keep);
                isRead.SetResult();
            }
            return await publisher.ReadHistoryAsync(topic, after, Math.Max(limit, 1));
        }
    }

    [Fact]
    public async Task A_connection_that_is_lost_while_its_topics_are_restored_does_not_have_them_told_what_they_may_miss_before_the_next_one_hears()
    {
        var (first, second) = (Topic.OfGroup("first"), Topic.OfGroup("second"));
        var (told, isBack, isHeard) = (new TaskCompletionSource<bool>(), false, false);
        using var lost = new AutoResetEvent(false);
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var fake = FakeRedis.BeforeSubscribing(connection => isHeard = connection == 3 && !told.Task.Wait(Moment));
        RedisSubscriber? subscriber = null;
        await using var opened = subscriber = new RedisSubscriber(
            _place.Open(address: $"redis://127.0.0.1:{fake.Port}"), ReadAsync, isConnected => _ = isConnected ? connected.TrySetResult() : lost.Set());
        await using var other = await subscriber.SubscribeAsync(first, new GapListener(() => { }), CancellationToken.None);
        await Wait.For(connected.Task, "the connection"); // so that what this one restores is behind it before the second topic is subscribed to, and not lost in its place
        await using var subscription = await subscriber.SubscribeAsync(second, new GapListener(() => told.TrySetResult(isHeard)), CancellationToken.None);

        isBack = true;
        subscriber.Client.Break();

        Assert.True(await Wait.For(told.Task, "the gap to be told"));

        Task<TopicHistory> ReadAsync(Topic topic, Position after, int limit)
        {
            if (isBack && topic == first)
                LoseConnection();
            return Task.FromResult(new TopicHistory([], Position.None, IsComplete: true, HasMore: false));
        }

        // The first topic has just been restored, and the second one is next. The loss of the connection is not to be told between the two.
        void LoseConnection()
        {
            isBack = false;
            lost.Reset();
            subscriber!.Client.Break();
            lost.WaitOne(Moment);
        }
    }

    [Theory]
    [InlineData(3, 100, false)]
    [InlineData(400, 64 * 1024, true)] // more than the buffers of the operating system take, too
    public async Task What_is_sent_to_a_process_that_stands_still_waits_in_Redis_and_if_that_is_too_much_a_gap_is_told(int messages, int length, bool isTooMuch)
    {
        _place.Probe.Ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0");
        await using var publisher = new RedisBackplane(_place.Open());
        await using var backplane = new RedisBackplane(_place.Open(options => options.Timeout = TimeSpan.FromMinutes(10), server.AddressAt(_wire.Port)));
        await using var listener = await TopicListener.OnAsync(backplane, Articles);

        _wire.Silence();
        for (var i = 0; i < messages; i++)
            await publisher.PublishAsync(Articles, new byte[length], retention: null);
        await Wait.Until(() => _place.Probe.Clients().Any(client => client.Contains(" sub=1 ", StringComparison.Ordinal)) != isTooMuch, "Redis keeps them, or ends the connection");
        _wire.Heal();

        await Wait.Until(() => isTooMuch ? listener.Gaps.Count > 0 : listener.Delivered == messages, "they are delivered, or missing");
        Assert.Equal(isTooMuch, listener.Gaps.Count > 0);
        await publisher.PublishAsync(Articles, "after"u8.ToArray(), retention: null);
        await Wait.Until(() => listener.Last == "after", "the next message is delivered");
    }

    [Fact]
    public async Task What_is_heard_and_nobody_here_listens_to_is_not_heard_again()
    {
        var backplane = _place.OpenBackplane();
        await using var listener = await TopicListener.OnAsync(backplane, Articles);
        var left = $"{_place.Prefix}:left";
        await backplane.Subscriber.Client.ExecuteAsync(new RedisCommand(RespWriter.Encode("SUBSCRIBE", left), repeatMark: -1));

        Assert.Equal(1, _place.Probe.Number("PUBLISH", left, "news"));

        await Wait.Until(() => _place.Probe.Number("PUBLISH", left, "news") == 0, "it is unsubscribed from");
    }

    private sealed class TextListener(ConcurrentQueue<string> heard) : ITopicListener
    {
        public void OnMessage(BackplaneMessage message) => heard.Enqueue(TopicListener.Text(message));

        public void OnGap(TopicGap gap) => heard.Enqueue("gap");
    }

    private sealed class GapListener(Action onGap) : ITopicListener
    {
        public void OnMessage(BackplaneMessage message)
        {
        }

        public void OnGap(TopicGap gap) => onGap();
    }

    public async ValueTask DisposeAsync()
    {
        _wire.Heal();
        await _place.DisposeAsync();
        await _wire.DisposeAsync();
    }
}
