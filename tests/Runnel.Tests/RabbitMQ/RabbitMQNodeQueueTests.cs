using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Topics;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What only this backplane does: a queue in the broker that has bounds, and belongs to a connection.</summary>
public sealed class RabbitMQNodeQueueTests(SharedRabbitServer server) : IAsyncLifetime
{
    private const int NodeFull = 4211;
    private static readonly Topic Articles = Topic.OfGroup("articles");
    private static readonly Topic Others = Topic.OfGroup("others");

    private readonly List<RabbitMQBackplane> _opened = [];
    private RabbitPlace _place = null!;

    public async ValueTask InitializeAsync() => _place = await RabbitPlace.CreateAsync(server);

    public async ValueTask DisposeAsync()
    {
        foreach (var backplane in _opened)
            await backplane.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task A_node_whose_queue_overflows_is_told_of_the_gap_and_the_other_nodes_miss_nothing()
    {
        var (publisher, other) = (await OpenedAsync(), await OpenedAsync());
        var slow = await OpenedAsync(options => (options.LocalCapacity, options.RemoteCapacity) = (1, 5));
        using var go = new ManualResetEventSlim();
        var (taken, gaps) = (0, 0);
        await using var hears = await TopicListener.OnAsync(other, Articles);
        await using var stands = await slow.SubscribeAsync(Articles, _ =>
        {
            Interlocked.Increment(ref taken);
            go.Wait();
        }, _ => Interlocked.Increment(ref gaps));

        for (var overflows = 0; overflows < 2; overflows++)
        {
            var (takenBefore, gapsBefore) = (taken, gaps);
            for (var i = 0; i < 30; i++)
                await PublishAsync(publisher, Articles, $"{i}");
            for (var i = 0; i < 30; i++)
                Assert.Equal($"{i}", await hears.NextAsync());
            go.Set();

            await Wait.Until(() => Volatile.Read(ref gaps) > gapsBefore, "the gap was told, though nothing more was published");
            Assert.InRange(taken - takenBefore, 1, 29);
            Assert.Empty(hears.Gaps);
            gapsBefore = Volatile.Read(ref gaps);
            await PublishAsync(publisher, Articles, "more");
            Assert.Equal("more", await hears.NextAsync());
            await Wait.Until(() => Volatile.Read(ref taken) > takenBefore + 6, "messages come again");
            Assert.Equal(gapsBefore, Volatile.Read(ref gaps));
            // It counts a message before it stands still: with the last one still in its hands it would stand still for that, and have one message less in the next round.
            await Wait.Until(async () => (await _place.Host.QueueAsync(slow.Queue.Name)).Messages == 0, "the slow one has done with all that came");
            go.Reset();
        }
        go.Set();
    }

    [Fact]
    public async Task Which_of_many_messages_to_nodes_reached_nobody_is_told()
    {
        using var log = new RecordedLog();
        var (publisher, node) = (await OpenedAsync(log: log), await OpenedAsync());
        var (lives, gone) = (Topic.OfNode("lives"), Topic.OfNode("gone"));
        await using var listener = await TopicListener.OnAsync(node, lives);

        await Wait.For(Task.WhenAll(Enumerable.Range(0, 20).Select(i => PublishAsync(publisher, i % 2 == 0 ? lives : gone, "x"))), "the messages");

        Assert.Equal(Enumerable.Repeat($"A message to '{gone}' reached nobody: that node is gone, or cut off.", 10), log.Of(404).Select(entry => entry.Text));
    }

    [Fact]
    public async Task The_broker_keeps_nothing_that_a_node_has_heard()
    {
        var (publisher, node) = (await OpenedAsync(), await OpenedAsync(options => options.LocalCapacity = 8)); // which acknowledges two at a time
        await using var listener = await TopicListener.OnAsync(node, Articles);

        for (var i = 0; i < 8; i++)
            await PublishAsync(publisher, Articles, $"{i}");

        for (var i = 0; i < 8; i++)
            Assert.Equal($"{i}", await listener.NextAsync());
        await Wait.Until(async () => (await _place.Host.QueuesAsync()).All(queue => queue.Messages == 0), "all are acknowledged");
    }

    [Fact]
    public async Task The_queue_of_a_node_takes_what_the_guide_says()
    {
        var node = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(node, Articles);

        var queue = await _place.Host.QueueAsync(node.Queue.Name);

        Assert.Equal(
            ["x-max-length=100000", "x-message-ttl=60000", "x-overflow=reject-publish"],
            queue.Arguments.Select(argument => $"{argument.Key}={argument.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_waits_in_the_broker_for_too_long_is_told_as_a_gap()
    {
        var publisher = await OpenedAsync();
        var slow = await OpenedAsync(options => (options.LocalCapacity, options.Expiry) = (1, TimeSpan.FromMilliseconds(50)));
        using var go = new ManualResetEventSlim();
        await using var listener = await TopicListener.OnAsync(slow, Articles);
        await using var stands = await slow.SubscribeAsync(Others, _ => go.Wait());
        await PublishAsync(publisher, Articles, "first");
        Assert.Equal("first", await listener.NextAsync());
        // Until that is acknowledged the broker hands out nothing more, and what is to make the node stand still might expire in the queue.
        await Wait.Until(async () => (await _place.Host.QueueAsync(slow.Queue.Name)).Messages == 0, "the broker has done with the first");

        await PublishAsync(publisher, Others, "stand still");
        for (var i = 0; i < 5; i++)
            await PublishAsync(publisher, Articles, "too old");
        await Wait.Until(async () => (await _place.Host.QueuesAsync()).All(queue => queue.MessagesReady == 0), "the messages have expired");
        go.Set();

        // On a busy machine a message may expire although nobody stands in its way.
        await Wait.Until(async () =>
        {
            await PublishAsync(publisher, Articles, "last");
            return listener.Last == "last";
        }, "a last one was delivered");
        Assert.NotEmpty(listener.Gaps);
    }

    [Fact]
    public async Task A_message_that_nothing_follows_is_acknowledged_too()
    {
        var backplane = await OpenedAsync();
        await using var hears = await TopicListener.OnAsync(backplane, Articles);

        for (var quiet = 0; quiet < 2; quiet++)
        {
            await PublishAsync(backplane, Articles, "the last for a while");
            await hears.NextAsync();

            // Otherwise the broker would close the channel when its delivery time-out is over.
            await Wait.Until(async () => (await _place.Host.QueueAsync(backplane.Queue.Name)).Messages == 0, "the broker has done with it");
        }
    }

    [Fact]
    public async Task A_full_queue_is_told_once_and_names_the_topic()
    {
        var log = new RecordedLog();
        var publisher = await OpenedAsync(log: log);
        var slow = await OpenedAsync(options => (options.LocalCapacity, options.RemoteCapacity) = (1, 1));
        using var go = new ManualResetEventSlim();
        await using var stands = await slow.SubscribeAsync(Articles, _ => go.Wait());

        for (var i = 0; i < 20; i++)
            await PublishAsync(publisher, Articles, $"{i}");
        go.Set();

        var warning = Assert.Single(log.AtLeast(LogLevel.Warning));
        Assert.Contains("group:articles", warning.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_Djangos_wire_what_a_full_queue_refuses_is_counted_by_its_sender_and_its_node_is_told_nothing()
    {
        const int Count = 10;
        var log = new RecordedLog();
        var publisher = new FramedBackplane(await OpenedAsync(options => options.Host += "?wire=django", log));
        var slow = await OpenedAsync(options =>
        {
            options.Host += "?wire=django";
            (options.LocalCapacity, options.RemoteCapacity) = (1, 1);
        });
        using var go = new ManualResetEventSlim();
        await using var stands = await slow.SubscribeAsync(Others, _ => go.Wait());
        await using var listener = await TopicListener.OnAsync(new FramedBackplane(slow), Articles);
        await publisher.PublishAsync(Others, default, retention: null);
        await Wait.Until(async () => (await _place.Host.QueueAsync(slow.Queue.Name)) is { Messages: 1, MessagesReady: 0 }, "the node stands still");

        for (var i = 0; i < Count; i++)
            await publisher.PublishAsync(Articles, System.Text.Encoding.UTF8.GetBytes($"{i}"), retention: null);
        go.Set();
        await Wait.Until(async () => (await _place.Host.QueueAsync(slow.Queue.Name)).Messages == 0, "the node has all that the broker has for it");
        await publisher.PublishAsync(Articles, "after"u8.ToArray(), retention: null);

        Assert.Equal(["0", "after"], [await listener.NextAsync(), await listener.NextAsync()]);
        Assert.Empty(listener.Gaps);
        Assert.Contains("group:articles", log.Of(NodeFull).First().Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_queue_that_an_operator_deletes_is_there_again_and_the_gap_is_told()
    {
        var (publisher, node) = (await OpenedAsync(), await OpenedAsync());
        await using var listener = await TopicListener.OnAsync(node, Articles);
        await PublishAsync(publisher, Articles, "before");
        Assert.Equal("before", await listener.NextAsync());

        await _place.Host.DeleteQueueAsync(Assert.Single(await _place.Host.QueuesAsync()).Name);

        await Wait.Until(() => listener.Gaps.Count > 0, "the gap was told");
        await PublishAsync(publisher, Articles, "after");
        Assert.Equal("after", await listener.NextAsync());
    }

    [Fact]
    public async Task A_node_whose_queues_name_another_connection_has_says_so_and_hears_when_it_is_free()
    {
        RabbitMQOptions used = null!;
        var node = await OpenedAsync(options => used = options);
        var publisher = await OpenedAsync();
        await using var connection = await new ConnectionFactory { Uri = new Uri(_place.Host.Address) }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync(node.Queue.Name, durable: false, exclusive: true, autoDelete: false);
        node.Queue.Link.Begin();
        await Wait.Until(() => node.Queue.Link.Failure is not null, "the broker has refused the queue");
        used.OutageTimeout = TimeSpan.FromSeconds(0.2);

        var heardByRefused = 0;
        var refused = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(node.SubscribeAsync(Articles, _ => heardByRefused++).AsTask(), "the failure"));
        used.OutageTimeout = Wait.Limit;
        await connection.CloseAsync();
        await Wait.Until(() => node.Queue.Link.Current is not null, "the node has its queue");
        await using var listener = await TopicListener.OnAsync(node, Articles);
        await PublishAsync(publisher, Articles, "heard");

        Assert.Contains("belongs to another connection", refused.Message, StringComparison.Ordinal);
        Assert.Equal("heard", await listener.NextAsync());
        Assert.Equal(0, heardByRefused);
    }

    [Fact]
    public async Task What_comes_late_by_a_connection_that_was_lost_does_not_come_behind_the_gap_that_was_told()
    {
        var node = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(node, Articles);
        var lost = node.Queue.Consumer!;
        await _place.Host.CloseConnectionsAsync();
        await Wait.Until(() => listener.Gaps.Count > 0, "the gap was told");

        var wire = new RunnelWire(new RabbitMQOptions());
        await lost.HandleBasicDeliverAsync("", 1, redelivered: false, "", wire.RoutingKeyOf(Articles), new BasicProperties(), wire.Write(Articles, "late"u8.ToArray()).Body);
        await PublishAsync(node, Articles, "after");

        Assert.Equal("after", await listener.NextAsync());
    }

    [Fact]
    public async Task Two_thousand_topics_are_bound_again_when_the_connection_is_lost()
    {
        var (publisher, node) = (await OpenedAsync(), await OpenedAsync());
        var heard = new ConcurrentDictionary<int, bool>();
        var subscriptions = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => node.SubscribeAsync(Topic.OfGroup($"g{i}"), _ => heard[i] = true).AsTask()));

        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.StateChanged += state => _ = state == BackplaneState.Interrupted && lost.TrySetResult();

        await _place.Host.CloseConnectionsAsync();
        await Wait.For(lost.Task, "the loss to be noticed"); // it may be over when a busy machine comes to look
        await Wait.Until(
            async () =>
            {
                // Again and again: a slow broker may close the connection that was made in the meantime, too.
                foreach (var i in new[] { 0, 999, 1_999 })
                    await PublishAsync(publisher, Topic.OfGroup($"g{i}"), "x");
                return heard.Count == 3;
            },
            "all are heard");

        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
    }

    [Fact]
    public async Task What_somebody_else_publishes_to_the_exchange_is_counted_logged_and_stops_nobody()
    {
        var log = new RecordedLog();
        var (publisher, node) = (await OpenedAsync(), await OpenedAsync(log: log));
        await using var listener = await TopicListener.OnAsync(node, Articles);
        var connection = await _place.Open().GetConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();

        await channel.BasicPublishAsync("runnel.groups", Articles.Value, false, new global::RabbitMQ.Client.BasicProperties(), "nonsense"u8.ToArray());
        await Wait.Until(() => log.Of(4210).Any(), "it was logged");
        await PublishAsync(publisher, Articles, "sense");

        Assert.Equal("sense", await listener.NextAsync());
    }

    [Fact]
    public async Task What_the_client_still_has_when_its_connection_is_lost_comes_before_the_gap()
    {
        var (publisher, node) = (await OpenedAsync(), await OpenedAsync());
        using var go = new ManualResetEventSlim();
        await using var listener = await TopicListener.OnAsync(node, Articles);
        await using var stands = await node.SubscribeAsync(Others, _ => go.Wait());
        await PublishAsync(publisher, Others, "stand still");
        await PublishAsync(publisher, Articles, "before");
        await Wait.Until(async () => (await _place.Host.QueueAsync(node.Queue.Name)).MessagesReady == 0, "the broker has sent both");
        await using var third = await node.SubscribeAsync(Topic.OfGroup("third"), _ => { }); // with its answer, both have arrived

        var lost = node.Queue.Link.Current!;
        RabbitLink.Break(lost, "the test breaks it");
        await Wait.Until(() => node.Queue.Link.Current != lost, "the connection is lost"); // and the next one may be there already
        go.Set();
        await Wait.Until(() => listener.Gaps.Count > 0, "the gap was told");
        await PublishAsync(publisher, Articles, "after");

        Assert.Equal(["before", "after"], [await listener.NextAsync(), await listener.NextAsync()]);
        Assert.Equal(1, Assert.Single(listener.Gaps).Delivered);
    }

    [Fact]
    public async Task A_connection_whose_channel_is_closed_while_it_is_restored_is_made_anew()
    {
        var restored = 0;
        await using var link = new RabbitLink(_place.Open(), "is tested", (connection, _) =>
        {
            if (++restored == 1)
                RabbitLink.Break(connection, "the channel was closed");
            return Task.CompletedTask;
        });

        await link.OpenAsync(CancellationToken.None);

        await Wait.Until(() => Volatile.Read(ref restored) == 2 && link.Current is not null, "there is another one");
    }

    private static Task<Position> PublishAsync(RabbitMQBackplane backplane, Topic topic, string text) =>
        backplane.PublishAsync(topic, System.Text.Encoding.UTF8.GetBytes(text), retention: null).AsTask();

    private async Task<RabbitMQBackplane> OpenedAsync(Action<RabbitMQOptions>? configure = null, RecordedLog? log = null)
    {
        var backplane = await _place.OpenBackplaneAsync(configure, log);
        _opened.Add(backplane);
        return backplane;
    }
}
