using Runnel.ChannelLayers;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class ChannelLayerSpecification
{
    [Fact] // CR-03, IM-03
    public async Task A_channel_at_its_capacity_refuses_and_takes_again_when_one_was_received()
    {
        if (LacksQueue("a capacity that senders are told of"))
            return;
        var layer = await OpenAsync(options => options.Capacity = 3);
        for (var i = 0; i < 3; i++)
            await layer.SendAsync("thumbnails", Of($"{i}"));

        var full = await Assert.ThrowsAsync<ChannelFullException>(async () => await layer.SendAsync("thumbnails", Of("3")));
        Assert.Equal("0", Text(await ReceiveAsync(layer, "thumbnails")));
        await layer.SendAsync("thumbnails", Of("4"));

        Assert.Equal(3, full.Capacity);
        foreach (var expected in new[] { "1", "2", "4" })
            Assert.Equal(expected, Text(await ReceiveAsync(layer, "thumbnails")));
    }

    [Fact] // CR-04; A.3: the first pattern that fits the full name
    public async Task A_channel_has_the_capacity_of_the_first_pattern_that_fits_its_full_name()
    {
        if (LacksQueue("a capacity that senders are told of"))
            return;
        var layer = await OpenAsync(options =>
        {
            options.Capacity = 3;
            options.ChannelCapacity.Add(new("one", 1));
            options.ChannelCapacity.Add(new("http.request*", 2));
            options.ChannelCapacity.Add(new("http.*", 4));
            options.ChannelCapacity.Add(new("specific.*!?*", 5));
            options.ChannelCapacity.Add(new("[abc]-?", 1));
        });

        Assert.Equal(1, await CountUntilFullAsync(layer, "one"));
        Assert.Equal(3, await CountUntilFullAsync(layer, "One"));
        Assert.Equal(2, await CountUntilFullAsync(layer, "http.request.body"));
        Assert.Equal(4, await CountUntilFullAsync(layer, "http.response"));
        Assert.Equal(5, await CountUntilFullAsync(layer, await layer.NewChannelAsync()));
        Assert.Equal(1, await CountUntilFullAsync(layer, "b-7"));
        Assert.Equal(3, await CountUntilFullAsync(layer, "d-7"));
    }

    [Fact] // A.3: "ok, ok, ok, FULL"
    public async Task The_channels_of_one_process_share_one_capacity_for_senders_in_every_process()
    {
        if (LacksQueue("a capacity that senders are told of"))
            return;
        var (mine, other) = (await OpenAsync(options => options.Capacity = 3), await OpenAsync(options => options.Capacity = 3));
        var (a, b) = (await mine.NewChannelAsync(), await mine.NewChannelAsync());

        await mine.SendAsync(a, Of("1"));
        await mine.SendAsync(b, Of("2"));
        await other.SendAsync(a, Of("3"));

        await Assert.ThrowsAsync<ChannelFullException>(async () => await mine.SendAsync(b, Of("4")));
        await Assert.ThrowsAsync<ChannelFullException>(async () => await other.SendAsync(a, Of("4")));
        Assert.Equal("2", Text(await ReceiveAsync(mine, b)));
        await other.SendAsync(b, Of("5"));
        Assert.Equal("1", Text(await ReceiveAsync(mine, a)));
        Assert.Equal("3", Text(await ReceiveAsync(mine, a)));
        Assert.Equal("5", Text(await ReceiveAsync(mine, b)));
    }

    [Fact] // CR-26 differs: upstream drops the oldest silently
    public async Task Messages_that_nobody_receives_count_while_another_channel_of_the_process_is_read()
    {
        if (LacksQueue("a capacity that senders are told of"))
            return;
        var layer = await OpenAsync(options => options.Capacity = 3);
        var (unread, read) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());
        await layer.SendAsync(unread, Of("1"));
        await layer.SendAsync(unread, Of("2"));
        await layer.SendAsync(read, Of("first"));
        Assert.Equal("first", Text(await ReceiveAsync(layer, read)));

        // The two were taken out of the queue to get at the third; they are back in it once nothing is in flight.
        await Wait.Until(async () => (await Operator!.ListChannelsAsync()).All(channel => channel.InFlight == 0), "nothing is in flight");
        await layer.SendAsync(unread, Of("3"));

        await Assert.ThrowsAsync<ChannelFullException>(async () => await layer.SendAsync(read, Of("second")));
        for (var i = 1; i <= 3; i++)
            Assert.Equal($"{i}", Text(await ReceiveAsync(layer, unread)));
        await AssertNothingLeftAsync();
    }

    [Fact] // CR-20, IM-08
    public async Task A_message_that_expires_unread_is_never_received_and_leaves_nothing()
    {
        var layer = await OpenAsync(options => options.Expiry = Clock.Units(2));
        var (channel, specific) = (await ChannelAsync(layer, "thumbnails"), await layer.NewChannelAsync());
        await layer.SendAsync(channel, Of("expires"));
        await layer.SendAsync(specific, Of("expires"));
        await HeldAsync(layer, channel, 1);
        await HeldAsync(layer, specific, 1);

        await Clock.AdvanceAsync(3);

        await AssertNothingOnAsync(layer, channel);
        await AssertNothingOnAsync(layer, specific);
        await AssertNothingLeftAsync();
    }

    [Fact]
    public async Task What_expires_unread_beside_a_channel_that_is_read_is_forgotten_and_counted()
    {
        if (LacksQueue("messages that are parked in a queue"))
            return;
        using var expired = new ExpiredCount();
        var layer = await OpenAsync(options => options.Expiry = Clock.Units(3));
        var (unread, read) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());
        for (var i = 0; i < 10; i++)
            await layer.SendAsync(unread, Of("expires"));
        await layer.SendAsync(read, Of("first"));
        Assert.Equal("first", Text(await ReceiveAsync(layer, read)));
        Assert.Equal(10, ((ChannelLayer)layer).ParkedCount);

        await Clock.AdvanceAsync(4);
        await layer.SendAsync(unread, Of("stays"));
        await layer.SendAsync(read, Of("second"));
        Assert.Equal("second", Text(await ReceiveAsync(layer, read)));

        await Wait.Until(() => ((ChannelLayer)layer).ParkedCount == 1, "what has expired is forgotten");
        Assert.Equal("stays", Text(await ReceiveAsync(layer, unread)));
        await Wait.Until(async () => (await Operator!.ListChannelsAsync()).Count == 0 && expired.Value >= 10, "what has expired is gone and counted");
    }

    [Fact] // CR-20
    public async Task The_oldest_expires_and_the_others_are_received()
    {
        var layer = await OpenAsync(options => options.Expiry = Clock.Units(4));
        var channel = await ChannelAsync(layer, "thumbnails");
        await layer.SendAsync(channel, Of("1"));
        await HeldAsync(layer, channel, 1);
        await Clock.AdvanceAsync(3);
        await layer.SendAsync(channel, Of("2"));
        await layer.SendAsync(channel, Of("3"));
        await HeldAsync(layer, channel, 3);
        await Clock.AdvanceAsync(2);

        Assert.Equal("2", Text(await ReceiveAsync(layer, channel)));
        Assert.Equal("3", Text(await ReceiveAsync(layer, channel)));
    }

    [Fact] // IM-09
    public async Task A_message_that_expired_is_cleaned_up_by_activity_on_another_channel()
    {
        if (LacksQueue("a queue that could be looked into"))
            return;
        var layer = await OpenAsync(options => options.Expiry = Clock.Units(2));
        await layer.SendAsync("never-read", Of("expires"));

        await Clock.AdvanceAsync(3);
        await AssertNothingOnAsync(layer, "another");

        await AssertNothingLeftAsync();
    }

    [Fact] // IM-10
    public async Task After_several_expired_a_later_one_is_received()
    {
        var layer = await OpenAsync(options => options.Expiry = Clock.Units(2));
        var channel = await ChannelAsync(layer, "thumbnails");
        for (var i = 0; i < 3; i++)
        {
            await layer.SendAsync(channel, Of("expires"));
            await HeldAsync(layer, channel, 1);
            await Clock.AdvanceAsync(3);
        }

        await layer.SendAsync(channel, Of("fresh"));

        Assert.Equal("fresh", Text(await ReceiveAsync(layer, channel)));
    }

    [Fact]
    public async Task What_has_expired_makes_room()
    {
        var layer = await OpenAsync(options => (options.Expiry, options.Capacity) = (Clock.Units(2), 2));
        var specific = await layer.NewChannelAsync();

        foreach (var channel in new[] { await ChannelAsync(layer, "thumbnails"), specific })
        {
            await layer.SendAsync(channel, Of("1"));
            await layer.SendAsync(channel, Of("2"));
            await HeldAsync(layer, channel, 2);
            await Clock.AdvanceAsync(3);
            await layer.SendAsync(channel, Of("3"));
            Assert.Equal("3", Text(await ReceiveAsync(layer, channel)));
        }
    }

    [Fact] // CR-23, which fails upstream
    public async Task A_message_that_expires_on_one_channel_of_a_process_costs_the_others_nothing()
    {
        var layer = await OpenAsync(options => options.Expiry = Clock.Units(4));
        var channels = new List<ChannelName>();
        for (var i = 0; i < 3; i++)
            channels.Add(await layer.NewChannelAsync());
        await layer.SendAsync(channels[0], Of("old"));
        await HeldAsync(layer, channels[0], 1);
        await Clock.AdvanceAsync(3);
        foreach (var channel in channels)
            await layer.SendAsync(channel, Of("young"));
        // A message that was moved out of the way to get at another one expires like any other.
        Assert.Equal("young", Text(await ReceiveAsync(layer, channels[2])));
        await Clock.AdvanceAsync(2);

        Assert.Equal("young", Text(await ReceiveAsync(layer, channels[0])));
        Assert.Equal("young", Text(await ReceiveAsync(layer, channels[1])));
        await AssertNothingLeftAsync();
    }

    [Fact] // A.7
    public async Task Flushing_forgets_all_messages_and_groups()
    {
        var layer = await OpenAsync();
        var specific = await layer.NewChannelAsync();
        await layer.AddToGroupAsync("articles", specific);
        var channel = await ChannelAsync(layer, "thumbnails");
        await layer.SendAsync(channel, Of("gone"));
        await layer.SendAsync(specific, Of("gone"));
        await HeldAsync(layer, channel, 1);
        await HeldAsync(layer, specific, 1);

        await layer.FlushAsync();

        await AssertNothingLeftAsync();
        Assert.Equal(0, GroupCountOf(layer));
        await layer.SendToGroupAsync("articles", Of("to nobody"));
        await AssertNothingOnAsync(layer, specific);
        await AssertNothingOnAsync(layer, channel);
    }

    private static async Task<int> CountUntilFullAsync(IChannelLayer layer, ChannelName channel)
    {
        for (var sent = 0; ; sent++)
        {
            try
            {
                await layer.SendAsync(channel, Of($"{sent}"));
            }
            catch (ChannelFullException)
            {
                return sent;
            }
        }
    }
}
