using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class BackplaneSpecification
{
    [Fact]
    public async Task Without_retention_a_message_has_no_position_and_leaves_no_history()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        var position = await backplane.PublishAsync(Articles, Bytes("gone"), retention: null);

        Assert.Equal(Position.None, position);
        var history = await backplane.ReadHistoryAsync(Articles, Position.None, 10);
        Assert.Empty(history.Messages);
        Assert.Equal((Position.None, true, false), (history.Latest, history.IsComplete, history.HasMore));
    }

    [Fact]
    public async Task Positions_count_from_1_within_one_epoch_and_subscribers_get_them()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        await using var listener = await TopicListener.OnAsync(backplane, Articles);

        var first = await backplane.PublishAsync(Articles, Bytes("a"), Keep(10));
        var second = await backplane.PublishAsync(Articles, Bytes("b"), Keep(10));

        Assert.Equal((1, 2), (first.Offset, second.Offset));
        Assert.Equal(first.Epoch, second.Epoch);
        Assert.NotEqual(0, first.Epoch);
        Assert.Equal(first, (await listener.NextMessageAsync()).Position);
        Assert.Equal(second, (await listener.NextMessageAsync()).Position);
    }

    [Fact]
    public async Task History_keeps_the_latest_so_many()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        for (var i = 1; i <= 5; i++)
            await backplane.PublishAsync(Articles, Bytes($"{i}"), Keep(3));

        var history = await backplane.ReadHistoryAsync(Articles, Position.None, 10);

        Assert.Equal(["3", "4", "5"], history.Messages.Select(Text));
        Assert.Equal(5, history.Latest.Offset);
        Assert.True(history.IsComplete);
        Assert.False(history.HasMore);
    }

    [Fact]
    public async Task History_keeps_nothing_older_than_its_age()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        var retention = new Retention(10, Clock.Units(15)); // a loaded machine may take a while to read the young one
        await backplane.PublishAsync(Articles, Bytes("old"), retention);
        await Clock.AdvanceAsync(16);
        var young = await backplane.PublishAsync(Articles, Bytes("young"), retention);

        var history = await backplane.ReadHistoryAsync(Articles, Position.None, 10);

        Assert.Equal(["young"], history.Messages.Select(Text));
        Assert.Equal(young, history.Latest);
    }

    [Fact]
    public async Task After_a_position_come_the_messages_that_followed_it()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        List<Position> positions = [];
        for (var i = 1; i <= 5; i++)
            positions.Add(await backplane.PublishAsync(Articles, Bytes($"{i}"), Keep(10)));

        var some = await backplane.ReadHistoryAsync(Articles, positions[2], 10);
        var none = await backplane.ReadHistoryAsync(Articles, positions[4], 10);

        Assert.Equal(["4", "5"], some.Messages.Select(Text));
        Assert.Equal(positions[3..], some.Messages.Select(message => message.Position));
        Assert.True(some.IsComplete);
        Assert.Empty(none.Messages);
        Assert.True(none.IsComplete);
        Assert.Equal(positions[4], none.Latest);
    }

    [Fact]
    public async Task A_limit_cuts_the_answer_and_says_so()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        for (var i = 1; i <= 5; i++)
            await backplane.PublishAsync(Articles, Bytes($"{i}"), Keep(10));

        List<string> read = [];
        var (after, pages) = (Position.None, 0);
        for (var hasMore = true; hasMore; pages++)
        {
            var history = await backplane.ReadHistoryAsync(Articles, after, 2);
            read.AddRange(history.Messages.Select(Text));
            (after, hasMore) = (history.Messages[^1].Position, history.HasMore);
            Assert.True(history.IsComplete);
        }

        Assert.Equal(["1", "2", "3", "4", "5"], read);
        Assert.Equal(3, pages);
    }

    [Fact]
    public async Task A_gap_that_retention_made_is_told()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        var first = await backplane.PublishAsync(Articles, Bytes("1"), Keep(2));
        var second = await backplane.PublishAsync(Articles, Bytes("2"), Keep(2));
        await backplane.PublishAsync(Articles, Bytes("3"), Keep(2));
        await backplane.PublishAsync(Articles, Bytes("4"), Keep(2));

        var gap = await backplane.ReadHistoryAsync(Articles, first, 10);
        var noGap = await backplane.ReadHistoryAsync(Articles, second, 10);

        Assert.False(gap.IsComplete);
        Assert.True(noGap.IsComplete);
        Assert.Equal(["3", "4"], noGap.Messages.Select(Text));
    }

    [Fact]
    public async Task A_position_of_another_epoch_or_of_the_future_is_no_place_to_go_on_from()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        var position = await backplane.PublishAsync(Articles, Bytes("1"), Keep(10));

        var otherEpoch = await backplane.ReadHistoryAsync(Articles, position with { Epoch = position.Epoch + 1 }, 10);
        var future = await backplane.ReadHistoryAsync(Articles, position with { Offset = 99 }, 10);
        var elsewhere = await backplane.ReadHistoryAsync(Topic.OfGroup("empty"), position, 10);

        Assert.False(otherEpoch.IsComplete);
        Assert.False(future.IsComplete);
        Assert.False(elsewhere.IsComplete);
    }

    [Fact]
    public async Task A_history_whose_position_is_forgotten_begins_again_in_another_epoch()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        var retention = new Retention(10, Clock.Units(1)) { PositionAge = Clock.Units(2) };
        var before = await backplane.PublishAsync(Articles, Bytes("1"), retention);
        await Clock.AdvanceAsync(3);
        await WaitUntilKeptAsync(backplane, 0);

        var after = await backplane.PublishAsync(Articles, Bytes("2"), retention);

        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.False((await backplane.ReadHistoryAsync(Articles, before, 10)).IsComplete);
    }

    [Fact]
    public async Task All_subscribers_see_kept_messages_of_many_publishers_in_the_order_of_their_positions()
    {
        if (await OpenedWithHistoryAsync() is not { } backplane)
            return;

        await using var first = await TopicListener.OnAsync(backplane, Articles);
        await using var second = await TopicListener.OnAsync(await OpenedAsync(), Articles);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(publisher => Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
                await backplane.PublishAsync(Articles, Bytes($"{publisher}.{i}"), Keep(1000));
        })));

        foreach (var listener in new[] { first, second })
        {
            for (var offset = 1; offset <= 400; offset++)
                Assert.Equal(offset, (await listener.NextMessageAsync()).Position.Offset);
        }
        Assert.Equal(400, (await backplane.ReadHistoryAsync(Articles, Position.None, 1000)).Messages.Count);
    }
}
