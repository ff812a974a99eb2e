using System.Buffers.Binary;
using System.Text;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>The promises of <see cref="IBackplane"/> that every backplane keeps. One without history refuses what is about it.</summary>
public abstract partial class BackplaneSpecification : IAsyncLifetime
{
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly List<IBackplane> _opened = [];

    /// <summary>The time.</summary>
    protected abstract SpecificationClock Clock { get; }

    /// <summary>Opens the backplane of one more process; all of a test reach each other.</summary>
    protected abstract ValueTask<IBackplane> OpenAsync();

    /// <summary>How many things (topics, keys, queues) the backplane keeps for messages and subscriptions.</summary>
    protected abstract ValueTask<int> CountKeptAsync();

    private Retention Keep(int messages) => new(messages, Clock.Units(1000));

    private Retention? KeepIfAble(IBackplane backplane, int messages) => backplane.Features.HasFlag(BackplaneFeatures.History) ? Keep(messages) : null;

    /// <inheritdoc/>
    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        foreach (var backplane in _opened.OfType<IAsyncDisposable>())
            await backplane.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_message_reaches_every_subscriber_of_its_topic_in_every_process_and_no_other()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        await using var first = await TopicListener.OnAsync(one, Articles);
        await using var second = await TopicListener.OnAsync(two, Articles);
        await using var other = await TopicListener.OnAsync(two, Topic.OfNode("articles"));

        await one.PublishAsync(Articles, Bytes("new"), retention: null);
        await one.PublishAsync(Topic.OfNode("articles"), Bytes("mine"), retention: null);

        Assert.Equal("new", await first.NextAsync());
        Assert.Equal("new", await second.NextAsync());
        Assert.Equal("mine", await other.NextAsync());
    }

    [Fact]
    public async Task Messages_of_one_publisher_arrive_in_the_order_published()
    {
        var backplane = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(await OpenedAsync(), Articles);

        for (var i = 0; i < 500; i++)
            await backplane.PublishAsync(Articles, Bytes($"{i}"), i % 2 == 0 ? null : KeepIfAble(backplane, 10));

        for (var i = 0; i < 500; i++)
            Assert.Equal($"{i}", await listener.NextAsync());
    }

    [Fact]
    public async Task When_subscribing_has_returned_every_later_message_is_delivered()
    {
        var backplane = await OpenedAsync();
        var other = await OpenedAsync();

        for (var i = 0; i < 50; i++)
        {
            await using var listener = await TopicListener.OnAsync(other, Topic.OfGroup($"g{i}"));
            await backplane.PublishAsync(Topic.OfGroup($"g{i}"), Bytes("at once"), retention: null);
            Assert.Equal("at once", await listener.NextAsync());
        }
    }

    [Fact]
    public async Task When_disposing_a_subscription_has_returned_it_is_delivered_nothing()
    {
        var backplane = await OpenedAsync();
        await using var stays = await TopicListener.OnAsync(backplane, Articles);
        var leaves = await TopicListener.OnAsync(backplane, Articles);
        using var stop = new CancellationTokenSource();
        var publishing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                await backplane.PublishAsync(Articles, Bytes("more"), retention: null);
        });
        await leaves.NextAsync();

        await leaves.DisposeAsync();
        var delivered = leaves.Delivered;
        await stays.SkipAsync(100);
        await stop.CancelAsync();
        await Wait.For(publishing, "the publisher to stop");

        Assert.Equal(delivered, leaves.Delivered);
    }

    [Fact]
    public async Task A_subscription_that_is_disposed_while_a_message_goes_to_the_others_does_not_get_it_any_more()
    {
        var backplane = await OpenedAsync();
        IAsyncDisposable? one = null, two = null;
        var delivered = 0;
        await using var last = await TopicListener.OnAsync(backplane, Topic.OfGroup("last"));
        one = await backplane.SubscribeAsync(Articles, _ => OnMessage(two!));
        two = await backplane.SubscribeAsync(Articles, _ => OnMessage(one));

        await backplane.PublishAsync(Articles, Bytes("1"), retention: null);

        await Wait.Until(() => Volatile.Read(ref delivered) > 0, "the message was delivered");
        await backplane.PublishAsync(Topic.OfGroup("last"), Bytes("2"), retention: null);
        Assert.Equal("2", await last.NextAsync());
        Assert.Equal(1, delivered);
        await one.DisposeAsync();
        await two.DisposeAsync();

        // Whichever comes first ends the other.
        void OnMessage(IAsyncDisposable other)
        {
            if (Interlocked.Increment(ref delivered) == 1)
                Assert.True(other.DisposeAsync().AsTask().IsCompleted);
        }
    }

    [Fact]
    public async Task A_payload_may_be_overwritten_when_publishing_has_returned()
    {
        var backplane = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(backplane, Articles);
        var payload = Bytes("kept");

        await backplane.PublishAsync(Articles, payload, KeepIfAble(backplane, 10));
        payload.AsSpan().Fill((byte)'x');

        Assert.Equal("kept", await listener.NextAsync());
        if (backplane.Features.HasFlag(BackplaneFeatures.History))
            Assert.Equal("kept", Text((await backplane.ReadHistoryAsync(Articles, Position.None, 1)).Messages[0]));
    }

    [Fact]
    public async Task A_subscriber_sees_messages_one_at_a_time()
    {
        var backplane = await OpenedAsync();
        var (inside, most, seen) = (0, 0, 0);
        await using var subscription = await backplane.SubscribeAsync(Articles, _ =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            Interlocked.Decrement(ref inside);
            Interlocked.Increment(ref seen);
        });

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
                await backplane.PublishAsync(Articles, Bytes("x"), retention: null);
        })));

        await Wait.Until(() => Volatile.Read(ref seen) == 800, "all 800 messages were seen");
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task Large_and_binary_payloads_arrive_unchanged()
    {
        var backplane = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(await OpenedAsync(), Articles);
        var payload = new byte[1024 * 1024];
        new Random(1).NextBytes(payload);
        BinaryPrimitives.WriteInt32LittleEndian(payload, 0);

        await backplane.PublishAsync(Articles, payload, retention: null);

        Assert.True((await listener.NextMessageAsync()).Payload.Span.SequenceEqual(payload));
    }

    [Fact]
    public async Task Nothing_is_left_behind()
    {
        var backplane = await OpenedAsync();
        var before = await CountKeptAsync();
        var listener = await TopicListener.OnAsync(backplane, Articles);
        await backplane.PublishAsync(Articles, Bytes("a"), backplane.Features.HasFlag(BackplaneFeatures.History) ? new Retention(5, Clock.Units(2)) { PositionAge = Clock.Units(2) } : null);
        await backplane.PublishAsync(Topic.OfGroup("nobody-listens"), Bytes("b"), retention: null);
        Assert.NotEqual(before, await CountKeptAsync());

        await listener.DisposeAsync();
        await Clock.AdvanceAsync(3);

        await WaitUntilKeptAsync(backplane, before);
    }

    [Fact]
    public async Task A_subscription_whose_caller_stopped_waiting_for_it_ends_by_itself()
    {
        var backplane = await OpenedAsync();
        var before = await CountKeptAsync();

        for (var i = 0; i < 20; i++)
        {
            using var cancel = new CancellationTokenSource();
            var subscribing = backplane.SubscribeAsync(Topic.OfGroup($"g{i}"), _ => { }, cancel.Token).AsTask();
            await cancel.CancelAsync();
            try
            {
                await (await Wait.For(subscribing, "the wait to end")).DisposeAsync(); // it was in time
            }
            catch (OperationCanceledException)
            {
            }
        }

        await WaitUntilKeptAsync(backplane, before);
    }

    private Task WaitUntilKeptAsync(IBackplane backplane, int count) => Wait.Until(
        async () =>
        {
            // A backplane may clean up when there is traffic.
            await backplane.PublishAsync(Topic.OfGroup("traffic"), Bytes("x"), retention: null);
            return await CountKeptAsync() == count;
        },
        $"{count} things are kept");

    private async Task<IBackplane> OpenedAsync()
    {
        var backplane = await OpenAsync();
        if (!_opened.Contains(backplane))
            _opened.Add(backplane);
        return backplane;
    }

    /// <summary>Opens the backplane if it keeps history. One that keeps none is seen to refuse, and the test says so in its result.</summary>
    private async Task<IBackplane?> OpenedWithHistoryAsync()
    {
        var backplane = await OpenedAsync();
        if (backplane.Features.HasFlag(BackplaneFeatures.History))
            return backplane;
        await Assert.ThrowsAsync<NotSupportedException>(async () => await backplane.ReadHistoryAsync(Articles, Position.None, 10));
        NotPromised.Note("History", await Assert.ThrowsAsync<NotSupportedException>(async () => await backplane.PublishAsync(Articles, Bytes("1"), new Retention(1, Clock.Units(1)))));
        return null;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(BackplaneMessage message) => TopicListener.Text(message);
}
