using Runnel.ChannelLayers;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class ChannelLayerSpecification
{
    [Fact] // CR-09, IM-06
    public async Task A_message_to_a_group_reaches_every_member_and_not_one_that_was_removed()
    {
        var (layer, sender) = (await OpenAsync(), await OpenAsync());
        var (a, b, removed) = (await layer.NewChannelAsync(), await layer.NewChannelAsync(), await layer.NewChannelAsync());
        foreach (var channel in new[] { a, b, removed })
            await layer.AddToGroupAsync("articles", channel);
        await layer.RemoveFromGroupAsync("articles", removed);

        await sender.SendToGroupAsync("articles", Of("new"));

        Assert.Equal("new", Text(await ReceiveAsync(layer, a)));
        Assert.Equal("new", Text(await ReceiveAsync(layer, b)));
        await AssertNothingOnAsync(layer, removed);
    }

    [Theory] // CR-12, CR-13
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(100)]
    public async Task Every_member_of_every_process_gets_a_group_message_once(int members)
    {
        var layers = new[] { await OpenAsync(), await OpenAsync(), await OpenAsync() };
        List<(IChannelLayer Layer, ChannelName Channel)> added = [];
        for (var i = 0; i < members; i++)
        {
            var layer = layers[i % layers.Length];
            var channel = i % 7 == 3 ? await ChannelAsync(layer, $"normal-{i}") : await layer.NewChannelAsync();
            await layer.AddToGroupAsync("articles", channel);
            added.Add((layer, channel));
        }

        await layers[^1].SendToGroupAsync("articles", Of("1"));
        await layers[^1].SendToGroupAsync("articles", Of("2"));

        foreach (var (layer, channel) in added)
        {
            Assert.Equal("1", Text(await ReceiveAsync(layer, channel)));
            Assert.Equal("2", Text(await ReceiveAsync(layer, channel)));
        }
        foreach (var (layer, channel) in added)
            await AssertNothingOnAsync(layer, channel);
    }

    [Fact]
    public async Task A_channel_that_two_processes_added_gets_a_group_message_once()
    {
        if (LacksQueue("channels that processes share"))
            return;
        var (one, two) = (await OpenAsync(), await OpenAsync());
        await one.AddToGroupAsync("articles", "thumbnails");
        await two.AddToGroupAsync("articles", "thumbnails");
        await two.AddToGroupAsync("articles", "thumbnails");

        await one.SendToGroupAsync("articles", Of("once"));
        await two.SendToGroupAsync("articles", Of("and once"));

        Assert.Equal(["and once", "once"], new[] { Text(await ReceiveAsync(one, "thumbnails")), Text(await ReceiveAsync(one, "thumbnails")) }.Order());
        await AssertNothingOnAsync(one, "thumbnails");
    }

    [Theory] // CR-04, CR-10, CR-14, CR-16, IM-07
    [InlineData(3, null)]
    [InlineData(1, 3)]
    [InlineData(100, 3)]
    public async Task A_group_message_past_the_capacity_is_not_refused_and_misses_the_full_member(int capacity, int? ofItsPattern)
    {
        if (ofItsPattern is not null && LacksQueue("a capacity by the name of a channel"))
            return;
        var layer = await OpenAsync(options =>
        {
            options.Capacity = capacity;
            if (ofItsPattern is { } most)
                options.ChannelCapacity.Add(new("*!?*", most));
        });
        var channel = await layer.NewChannelAsync();
        await layer.AddToGroupAsync("articles", channel);

        for (var i = 0; i < 4; i++)
            await layer.SendToGroupAsync("articles", Of($"{i}"));
        await HeldAsync(layer, channel, 3);
        await layer.RemoveFromGroupAsync("articles", channel); // then nothing is on its way

        for (var i = 0; i < 3; i++)
            Assert.Equal($"{i}", Text(await ReceiveAsync(layer, channel)));
        await AssertNothingOnAsync(layer, channel);
    }

    [Fact] // CR-15
    public async Task Only_the_full_members_miss_a_group_message()
    {
        var (one, two) = (await OpenAsync(options => options.Capacity = 1), await OpenAsync(options => options.Capacity = 1));
        List<(IChannelLayer Layer, ChannelName Channel, bool IsFull)> members = [(one, await one.NewChannelAsync(), true), (two, await two.NewChannelAsync(), false)];
        for (var i = 0; i < 8; i++)
            members.Add((one, await ChannelAsync(one, $"normal-{i}"), i % 2 == 0));
        foreach (var (layer, channel, isFull) in members)
        {
            await layer.AddToGroupAsync("articles", channel);
            if (isFull)
                await layer.SendAsync(channel, Of("fills it"));
        }

        await one.SendToGroupAsync("articles", Of("new"));

        foreach (var (layer, channel, _) in members.Where(member => !member.IsFull))
            Assert.Equal("new", Text(await ReceiveAsync(layer, channel)));
        // When the last member has left, nothing is on its way to any.
        foreach (var (layer, channel, _) in members)
            await layer.RemoveFromGroupAsync("articles", channel);
        foreach (var (layer, channel, _) in members.Where(member => member.IsFull))
        {
            Assert.Equal("fills it", Text(await ReceiveAsync(layer, channel)));
            await AssertNothingOnAsync(layer, channel);
        }
    }

    [Fact] // CR-22
    public async Task Group_messages_arrive_in_the_order_sent()
    {
        var layer = await OpenAsync();
        var channel = await layer.NewChannelAsync();
        await layer.AddToGroupAsync("articles", channel);

        for (var i = 0; i < 50; i++)
            await layer.SendToGroupAsync("articles", Of($"{i}"));

        for (var i = 0; i < 50; i++)
            Assert.Equal($"{i}", Text(await ReceiveAsync(layer, channel)));
    }

    [Fact] // CR-22
    public async Task Group_messages_expire_unread_like_all_others()
    {
        var layer = await OpenAsync(options => options.Expiry = Clock.Units(2));
        var channel = await layer.NewChannelAsync();
        await layer.AddToGroupAsync("articles", channel);
        await layer.SendToGroupAsync("articles", Of("expires"));
        await HeldAsync(layer, channel, 1);

        await Clock.AdvanceAsync(3);

        await AssertNothingOnAsync(layer, channel);
    }

    [Fact] // A.3
    public async Task A_membership_ends_at_the_group_expiry_unless_it_was_renewed()
    {
        // Who sends does nothing with the groups of another process: that one has to know by itself.
        var (layer, sender) = (await OpenAsync(options => options.GroupExpiry = Clock.Units(4)), await OpenAsync());
        var (expires, renewed) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());
        await layer.AddToGroupAsync("articles", expires);
        await layer.AddToGroupAsync("articles", renewed);
        await Clock.AdvanceAsync(3);
        await layer.AddToGroupAsync("articles", renewed);
        await Clock.AdvanceAsync(2);

        await sender.SendToGroupAsync("articles", Of("new"));

        Assert.Equal("new", Text(await ReceiveAsync(layer, renewed)));
        await AssertNothingOnAsync(layer, expires);
        await Clock.AdvanceAsync(3);
        await layer.SendToGroupAsync("another", Of("any activity"));
        Assert.Equal(0, GroupCountOf(layer));
    }

    [Fact]
    public async Task Sending_to_a_group_without_members_and_leaving_a_group_never_joined_are_harmless()
    {
        var layer = await OpenAsync();
        var channel = await layer.NewChannelAsync();

        await layer.RemoveFromGroupAsync("articles", channel);
        await layer.SendToGroupAsync("articles", Of("to nobody"));
        await layer.AddToGroupAsync("articles", channel);
        await layer.RemoveFromGroupAsync("articles", channel);
        await layer.RemoveFromGroupAsync("articles", channel);
        await layer.SendToGroupAsync("articles", Of("to nobody"));

        Assert.Equal(0, GroupCountOf(layer));
        await layer.AddToGroupAsync("articles", channel);
        await layer.SendToGroupAsync("articles", Of("to one"));
        Assert.Equal("to one", Text(await ReceiveAsync(layer, channel)));
    }

    [Fact]
    public async Task Members_that_come_and_go_while_messages_are_sent_cost_the_others_none()
    {
        var layer = await OpenAsync(options => options.Capacity = 1000);
        var stays = await layer.NewChannelAsync("stays");
        await layer.AddToGroupAsync("articles", stays);
        using var stop = new CancellationTokenSource();
        var moving = Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            var moves = await ChannelAsync(layer, $"moves-{i}");
            while (!stop.IsCancellationRequested)
            {
                await layer.AddToGroupAsync("articles", moves);
                await layer.RemoveFromGroupAsync("articles", moves);
            }
        })));

        for (var i = 0; i < 200; i++)
            await layer.SendToGroupAsync("articles", Of($"{i}"));
        await stop.CancelAsync();
        await Wait.For(moving, "the others to stop");

        for (var i = 0; i < 200; i++)
            Assert.Equal($"{i}", Text(await ReceiveAsync(layer, stays)));
    }
}
