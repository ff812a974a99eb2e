using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class TopicSpecification
{
    [Fact]
    public async Task What_a_process_missed_and_the_history_holds_is_delivered_once_in_order_and_no_gap_is_told()
    {
        if (await OpenedWithHistoryAsync() is not { } one)
            return;
        var two = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(two, Articles);
        await PublishAsync(one, 1, 3, Keep(100));

        await WhileDeafAsync(two, () => PublishAsync(one, 4, 20, Keep(100)));
        await PublishAsync(one, 21, 30, Keep(100));

        for (var i = 1; i <= 30; i++)
            Assert.Equal($"{i}", await listener.NextAsync());
        Assert.Empty(listener.Gaps);
    }

    [Fact]
    public async Task What_a_process_missed_and_the_history_does_not_hold_any_more_is_told_in_its_place()
    {
        if (await OpenedWithHistoryAsync() is not { } one)
            return;
        var two = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(two, Articles);
        await PublishAsync(one, 1, 3, Keep(100));
        await Wait.Until(() => listener.Delivered == 3, "the first ones were delivered");

        await WhileDeafAsync(two, () => PublishAsync(one, 4, 20, Keep(2)));
        await Wait.Until(() => listener.Delivered == (CanMiss ? 5 : 20), "the history was read before it has others");
        await PublishAsync(one, 21, 22, Keep(2));

        for (var i = 1; i <= 3; i++)
            Assert.Equal($"{i}", await listener.NextAsync());
        for (var i = CanMiss ? 19 : 4; i <= 22; i++)
            Assert.Equal($"{i}", await listener.NextAsync());
        if (!CanMiss)
        {
            Assert.Empty(listener.Gaps);
            return;
        }
        var (gap, delivered) = Assert.Single(listener.Gaps);
        Assert.Equal((true, 3, 18, 3), (gap.IsCertain, gap.After.Offset, gap.Resumes.Offset, delivered));
    }

    [Fact]
    public async Task A_process_that_was_cut_off_from_a_topic_without_history_is_told_that_messages_may_be_missing()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        await using var listener = await TopicListener.OnAsync(two, Articles);
        await one.PublishAsync(Articles, Bytes("before"), retention: null);
        Assert.Equal("before", await listener.NextAsync());

        await WhileDeafAsync(two, async () => await one.PublishAsync(Articles, Bytes("meanwhile"), retention: null));

        if (!CanMiss)
        {
            Assert.Equal("meanwhile", await listener.NextAsync());
            Assert.Empty(listener.Gaps);
            return;
        }
        await Wait.Until(() => listener.Gaps.Count > 0, "it was told");
        var (gap, delivered) = Assert.Single(listener.Gaps);
        Assert.Equal((TopicGap.Unknown, 1), (gap, delivered));
        await one.PublishAsync(Articles, Bytes("after"), retention: null);
        Assert.Equal("after", await listener.NextAsync());
    }

    [Fact]
    public async Task An_old_copy_that_lacks_the_end_takes_no_new_message_for_one_that_was_delivered_and_what_it_lacks_is_told()
    {
        if (await OpenedWithHistoryAsync() is not { } one)
            return;
        var two = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(two, Articles);
        await PublishAsync(one, 1, 10, Keep(100));
        await Wait.Until(() => listener.Delivered == 10, "the first ones were delivered");
        var last = Position.None;

        var hasLost = await FailOverAsync(async () =>
        {
            await PublishAsync(one, 11, 14, Keep(100));
            last = await one.PublishAsync(Articles, Bytes("15"), Keep(100));
            await Wait.Until(() => listener.Delivered == 15, "the last ones were delivered");
        });
        if (!hasLost)
            return; // a layer that loses nothing has nothing to tell
        await PublishAsync(one, 16, 23, Keep(100));

        for (var i = 1; i <= 23; i++)
            Assert.Equal($"{i}", await listener.NextAsync());
        var (gap, delivered) = Assert.Single(listener.Gaps, told => told.Gap.IsCertain);
        Assert.Equal((15, 10, 15), (gap.After.Offset, gap.Resumes.Offset, delivered));
        Assert.False((await one.ReadHistoryAsync(Articles, last, 100)).IsComplete);
    }

    [Fact]
    public async Task A_copy_that_has_everything_takes_the_brokers_place_and_nothing_is_told()
    {
        if (await OpenedWithHistoryAsync() is not { } one)
            return;
        var two = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(two, Articles);
        await PublishAsync(one, 1, 9, Keep(100));
        var last = await one.PublishAsync(Articles, Bytes("10"), Keep(100));
        await Wait.Until(() => listener.Delivered == 10, "the first ones were delivered");

        await FailOverAsync(act: null);
        await PublishAsync(one, 11, 18, Keep(100));

        for (var i = 1; i <= 18; i++)
            Assert.Equal($"{i}", await listener.NextAsync());
        Assert.Empty(listener.Gaps);
        Assert.True((await one.ReadHistoryAsync(Articles, last, 100)).IsComplete);
    }

    private static async Task PublishAsync(IBackplane backplane, int from, int to, Retention retention)
    {
        for (var i = from; i <= to; i++)
            await backplane.PublishAsync(Articles, Bytes($"{i}"), retention);
    }
}
