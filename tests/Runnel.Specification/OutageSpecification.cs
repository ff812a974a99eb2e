using System.Globalization;
using System.Text;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>What a backplane with a broker promises when that goes away, is cut off, or breaks connections, and comes back.</summary>
public abstract partial class OutageSpecification : IAsyncLifetime
{
    private static readonly Topic Articles = Topic.OfGroup("articles");
    private static readonly Retention Keep = new(10_000, TimeSpan.FromMinutes(10));

    private readonly List<WiredBackplane> _opened = [];

    /// <summary>Opens the backplane of one more process, with a wire of its own to the broker; all of a test reach each other.</summary>
    /// <param name="buffer">How many publications may wait for the broker.</param>
    /// <param name="bytes">How many bytes they may have together.</param>
    /// <param name="patience">How long each may wait.</param>
    protected abstract ValueTask<WiredBackplane> OpenAsync(int buffer, int bytes, TimeSpan patience);

    /// <summary>Ends the broker as a crash does. What it had confirmed it has again afterwards.</summary>
    protected abstract Task KillBrokerAsync();

    /// <summary>Starts it again.</summary>
    protected abstract Task RestartBrokerAsync();

    /// <summary>Has the broker close all connections; whoever comes back is let in at once.</summary>
    protected abstract Task BreakConnectionsAsync();

    /// <inheritdoc/>
    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        foreach (var node in _opened)
        {
            node.Heal();
            if (node.Backplane is IAsyncDisposable backplane)
                await backplane.DisposeAsync();
        }
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_broker_that_is_killed_and_comes_back_costs_no_kept_message_and_none_comes_twice()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        if (!KeepsHistory(one))
            return;
        await using var flow = await NumberFlow.BeginAsync(one.Backplane, Keep, one.Backplane, two.Backplane);
        await flow.DeliverMoreAsync(100);

        await KillBrokerAsync();
        await flow.PublishMoreAsync(100);
        await RestartBrokerAsync();
        await flow.DeliverMoreAsync(100);

        await flow.AssertAllArrivedOnceInOrderAsync();
    }

    [Fact]
    public async Task A_node_that_is_cut_off_misses_no_kept_message_and_gets_none_twice()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        if (!KeepsHistory(one))
            return;
        await using var flow = await NumberFlow.BeginAsync(one.Backplane, Keep, one.Backplane, two.Backplane);

        foreach (var node in new[] { two, one })
        {
            await flow.DeliverMoreAsync(100);
            node.Cut();
            await flow.PublishMoreAsync(100);
            node.Heal();
        }
        await flow.DeliverMoreAsync(100);

        await flow.AssertAllArrivedOnceInOrderAsync();
    }

    [Fact]
    public async Task A_node_that_hears_nothing_and_is_not_heard_notices_and_misses_no_kept_message_and_gets_none_twice()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        if (!KeepsHistory(one))
            return;
        await using var flow = await NumberFlow.BeginAsync(one.Backplane, Keep, one.Backplane, two.Backplane);

        foreach (var node in new[] { two, one })
        {
            await flow.DeliverMoreAsync(50);
            node.Silence();
            await StateAsync(node, BackplaneState.Interrupted);
            node.Heal();
        }
        await flow.DeliverMoreAsync(50);

        await flow.AssertAllArrivedOnceInOrderAsync();
    }

    [Fact]
    public async Task A_silence_that_is_over_before_anybody_notices_costs_nothing()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        if (!KeepsHistory(one))
            return;
        await using var flow = await NumberFlow.BeginAsync(one.Backplane, Keep, one.Backplane, two.Backplane);
        await flow.DeliverMoreAsync(20);

        one.Silence();
        two.Silence();
        await flow.PublishMoreAsync(20);
        one.Heal();
        two.Heal();

        await flow.DeliverMoreAsync(20);
        await flow.AssertAllArrivedOnceInOrderAsync();
    }

    [Fact]
    public async Task Connections_that_are_broken_again_and_again_cost_no_kept_message_and_none_comes_twice()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        if (!KeepsHistory(one))
            return;
        await using var flow = await NumberFlow.BeginAsync(one.Backplane, Keep, one.Backplane, two.Backplane);

        for (var i = 0; i < 20; i++)
        {
            await flow.PublishMoreAsync(10 + i);
            await BreakConnectionsAsync();
        }

        await flow.DeliverMoreAsync(50);
        await flow.AssertAllArrivedOnceInOrderAsync();
    }

    [Fact]
    public async Task What_comes_without_retention_while_a_node_is_there_comes_once_and_goes_on_when_it_is_back()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        await using var listener = await TopicListener.OnAsync(two.Backplane, Articles);
        await one.Backplane.PublishAsync(Articles, "before"u8.ToArray(), retention: null);
        Assert.Equal("before", await listener.NextAsync());

        two.Cut();
        await StateAsync(two, BackplaneState.Interrupted);
        await one.Backplane.PublishAsync(Articles, "missed"u8.ToArray(), retention: null);
        two.Heal();
        await StateAsync(two, BackplaneState.Connected);

        await UntilHeardAsync(one.Backplane, listener);
    }

    [Fact]
    public async Task What_is_published_without_retention_comes_at_most_once_in_order_and_what_the_broker_took_and_a_node_misses_is_told_there()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        await using var listener = await TopicListener.OnAsync(two.Backplane, Articles);
        List<Task> published = [];
        await PublishSomeAsync();

        await two.WhileCutAsync(PublishSomeAsync);
        await PublishSomeAsync();
        await BreakConnectionsAsync();
        await PublishSomeAsync();
        await StateAsync(one, BackplaneState.Connected);
        await PublishSomeAsync(); // the other node may still be on its way back
        await KillBrokerAsync();
        await PublishSomeAsync();
        await RestartBrokerAsync();
        await PublishSomeAsync();
        await UntilLastAsync();

        var previous = -1;
        for (var delivered = 0; delivered < listener.Delivered; delivered++)
        {
            var number = int.Parse(await listener.NextAsync(), CultureInfo.InvariantCulture);
            Assert.True(number > previous, $"{number} came behind {previous}.");
            var isMissing = Enumerable.Range(previous + 1, number - previous - 1).Any(missing => published[missing].IsCompletedSuccessfully);
            Assert.False(isMissing && listener.Gaps.All(gap => gap.Delivered != delivered), $"Between {previous} and {number} something is missing, and was not told.");
            previous = number;
        }

        async Task PublishSomeAsync()
        {
            for (var i = 0; i < 50; i++)
                await PublishOneAsync();
        }

        // Not waited for while the broker is away, or it would not be there while the others are published.
        async Task PublishOneAsync()
        {
            var publishing = one.Backplane.PublishAsync(Articles, Encoding.UTF8.GetBytes($"{published.Count}"), retention: null).AsTask();
            published.Add(publishing);
            await Wait.Until(() => publishing.IsCompleted || one.Backplane.State == BackplaneState.Interrupted, "it is published, or has to wait for the broker");
        }

        Task UntilLastAsync() => Wait.Until(
            async () =>
            {
                await PublishOneAsync();
                return listener.Last == $"{published.Count - 1}";
            },
            "the listener had the last number");
    }

    [Fact]
    public async Task A_node_that_subscribes_while_it_is_cut_off_is_subscribed_when_it_is_back()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        two.Cut();

        var listening = TopicListener.OnAsync(two.Backplane, Articles);
        two.Heal();
        await using var listener = await Wait.For(listening, "the subscription");
        await one.Backplane.PublishAsync(Articles, "hello"u8.ToArray(), retention: null);

        Assert.Equal("hello", await listener.NextAsync());
    }

    [Fact]
    public async Task A_subscription_that_ends_while_its_node_is_cut_off_stays_ended()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        var ended = await TopicListener.OnAsync(two.Backplane, Articles);
        await using var stays = await TopicListener.OnAsync(two.Backplane, Topic.OfGroup("others"));
        two.Cut();
        await StateAsync(two, BackplaneState.Interrupted);

        await ended.DisposeAsync();
        two.Heal();
        await StateAsync(two, BackplaneState.Connected);
        await one.Backplane.PublishAsync(Articles, "late"u8.ToArray(), KeepOn(one));
        await one.Backplane.PublishAsync(Topic.OfGroup("others"), "hello"u8.ToArray(), KeepOn(one));

        Assert.Equal("hello", await stays.NextAsync());
        Assert.Equal(0, ended.Delivered);
    }

    [Fact]
    public async Task What_a_node_missed_and_the_history_does_not_hold_any_more_does_not_stop_what_follows()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        if (!KeepsHistory(one))
            return;
        await using var listener = await TopicListener.OnAsync(two.Backplane, Articles);
        two.Cut();
        await StateAsync(two, BackplaneState.Interrupted);
        for (var i = 1; i <= 10; i++)
            await one.Backplane.PublishAsync(Articles, "missed"u8.ToArray(), new Retention(3, Keep.Age));
        two.Heal();

        for (var offset = 8; offset <= 10; offset++)
            Assert.Equal(offset, (await listener.NextMessageAsync()).Position.Offset);
        await one.Backplane.PublishAsync(Articles, "last"u8.ToArray(), new Retention(3, Keep.Age));
        Assert.Equal(11, (await listener.NextMessageAsync()).Position.Offset);
        var gap = Assert.Single(listener.Gaps);
        Assert.Equal((7, 0), (gap.Gap.Resumes.Offset, gap.Delivered));
    }

    private static Retention? KeepOn(WiredBackplane node) => node.Backplane.Features.HasFlag(BackplaneFeatures.History) ? Keep : null;

    private static bool KeepsHistory(WiredBackplane node)
    {
        if (KeepOn(node) is not null)
            return true;
        NotPromised.Note($"{BackplaneFeatures.History}"); // BackplaneSpecification sees it refused
        return false;
    }

    // What is published between the connection's return and the subscription's is missed without retention, as promised.
    private static Task UntilHeardAsync(IBackplane backplane, TopicListener listener) => Wait.Until(
        async () =>
        {
            var before = listener.Delivered;
            await backplane.PublishAsync(Articles, "again"u8.ToArray(), retention: null);
            return before > 1;
        },
        "the listener heard again");

    private static Task StateAsync(WiredBackplane node, BackplaneState state) => Wait.Until(() => node.Backplane.State == state, $"the node is {state}");

    // Longer than a broker takes to come back, or what waits for it would be given up.
    private Task<WiredBackplane> OpenedAsync() => OpenedAsync(buffer: 10_000, patience: 2 * Wait.Limit);

    private async Task<WiredBackplane> OpenedAsync(int buffer, TimeSpan patience, int bytes = 64 * 1024 * 1024)
    {
        var node = await OpenAsync(buffer, bytes, patience);
        _opened.Add(node);
        return node;
    }
}
