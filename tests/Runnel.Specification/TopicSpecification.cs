using System.Text;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>What a subscription promises: where it begins, that it delivers each message once and in order, and that it tells what it could not deliver.</summary>
public abstract partial class TopicSpecification : IAsyncLifetime
{
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly List<IBackplane> _opened = [];

    /// <summary>The time.</summary>
    protected abstract SpecificationClock Clock { get; }

    /// <summary>Whether something can come between a process and the messages for it.</summary>
    protected virtual bool CanMiss => true;

    /// <summary>Opens the backplane of one more process; all of a test reach each other.</summary>
    protected abstract ValueTask<IBackplane> OpenAsync();

    /// <summary>Does something while one process hears nothing, for longer than the layer waits for that process without a history.</summary>
    protected abstract Task WhileDeafAsync(IBackplane process, Func<Task> act);

    /// <summary>Does something, and has the layer lose it although it was confirmed: an old copy takes the broker's place, and the processes go on with that.</summary>
    /// <param name="act">What gets lost; <see langword="null"/> for nothing: the copy has everything.</param>
    /// <returns><see langword="false"/> for a layer that loses nothing that it confirmed.</returns>
    protected virtual Task<bool> FailOverAsync(Func<Task>? act) => Task.FromResult(false);

    private Retention Keep(int messages) => new(messages, Clock.Units(1000));

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
    public async Task Topics_of_different_kinds_share_no_name()
    {
        var backplane = await OpenedAsync();
        Topic[] topics = [Topic.OfGroup("same"), Topic.OfNode("same"), Topic.OfState("same"), Topic.OfRunnel("same")];
        List<TopicListener> listeners = [];
        foreach (var topic in topics)
            listeners.Add(await TopicListener.OnAsync(backplane, topic));

        foreach (var topic in topics)
            await backplane.PublishAsync(topic, Bytes($"{topic.Kind}"), retention: null);

        foreach (var (topic, listener) in topics.Zip(listeners))
        {
            Assert.Equal($"{topic.Kind}", await listener.NextAsync());
            Assert.Equal(1, listener.Delivered);
            await listener.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_subscription_says_where_it_begins_and_delivers_what_follows()
    {
        if (await OpenedWithHistoryAsync() is not { } one)
            return;
        await one.PublishAsync(Articles, Bytes("1"), Keep(10));
        var latest = await one.PublishAsync(Articles, Bytes("2"), Keep(10));

        await using var listener = await TopicListener.OnAsync(await OpenedAsync(), Articles);
        await one.PublishAsync(Articles, Bytes("3"), Keep(10));

        Assert.Equal(latest, listener.Begins);
        Assert.Equal("3", await listener.NextAsync());
    }

    [Fact]
    public async Task A_subscription_to_a_topic_without_history_begins_nowhere_and_delivers_the_first_message()
    {
        if (await OpenedWithHistoryAsync() is not { } one)
            return;
        await using var listener = await TopicListener.OnAsync(await OpenedAsync(), Articles);

        await one.PublishAsync(Articles, Bytes("1"), Keep(10));

        Assert.Equal(Position.None, listener.Begins);
        Assert.Equal("1", await listener.NextAsync());
        Assert.Empty(listener.Gaps);
    }

    [Fact]
    public async Task A_second_subscription_of_a_process_begins_no_later_than_it_delivers()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;
        await using var first = await TopicListener.OnAsync(backplane, Articles);
        await backplane.PublishAsync(Articles, Bytes("1"), Keep(10));
        var seen = await first.NextMessageAsync();

        await using var second = await TopicListener.OnAsync(backplane, Articles);
        await backplane.PublishAsync(Articles, Bytes("2"), Keep(10));

        Assert.Equal(seen.Position, second.Begins);
        Assert.Equal("2", await second.NextAsync());
    }

    [Fact]
    public async Task Nothing_is_told_where_nothing_is_missing()
    {
        if (await OpenedWithHistoryAsync() is not { } one)
            return;
        var two = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(two, Articles);

        await Task.WhenAll(new[] { one, two }.Select(backplane => Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
                await backplane.PublishAsync(Articles, Bytes($"{i}"), i % 3 == 0 ? null : Keep(5));
        })));

        await Wait.Until(() => listener.Delivered == 200, "all were delivered");
        Assert.Empty(listener.Gaps);
    }

    [Fact]
    public async Task A_topic_that_nobody_published_to_recovers_although_its_messages_are_gone()
    {
        if (await OpenedWithHistoryAsync() is not { } one)
            return;
        var retention = new Retention(10, Clock.Units(1));
        var two = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(two, Articles);
        var first = await one.PublishAsync(Articles, Bytes("1"), retention);
        var last = await one.PublishAsync(Articles, Bytes("2"), retention);
        Assert.Equal(["1", "2"], [await listener.NextAsync(), await listener.NextAsync()]);
        await Clock.AdvanceAsync(2);
        await Wait.Until(async () => (await one.ReadHistoryAsync(Articles, Position.None, 10)).Messages.Count == 0, "the messages are gone");

        await WhileDeafAsync(two, () => Task.CompletedTask);

        Assert.True((await one.ReadHistoryAsync(Articles, last, 10)).IsComplete);
        Assert.False((await one.ReadHistoryAsync(Articles, first, 10)).IsComplete);
        var next = await one.PublishAsync(Articles, Bytes("3"), retention);
        Assert.Equal((last.Epoch, last.Offset + 1), (next.Epoch, next.Offset));
        Assert.Equal("3", await listener.NextAsync());
        Assert.Empty(listener.Gaps);
    }

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
        NotPromised.Note("History", await Assert.ThrowsAsync<NotSupportedException>(async () => await backplane.PublishAsync(Articles, Bytes("1"), Keep(1))));
        return null;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
