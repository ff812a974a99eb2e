using Runnel.ChannelLayers;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.ChannelLayers;

/// <summary>Processes whose clocks are not that of the layer.</summary>
public sealed class ChannelLayerClockTests
{
    private static readonly Message Message = new("tick", default);

    private readonly SharedMemory _memory = new();

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task A_message_reaches_a_process_whose_clock_is_an_hour_wrong_also_when_nobody_waits_for_it_yet(int hours)
    {
        await using var sender = _memory.Open();
        await using var receiver = _memory.Open(new WrongClock(_memory.Clock, TimeSpan.FromHours(hours)));
        var (early, late) = (await receiver.NewChannelAsync(), await receiver.NewChannelAsync());
        var first = receiver.ReceiveAsync(early).AsTask();

        await sender.SendAsync(late, Message);
        await sender.SendAsync(early, Message);
        await Wait.For(first, "the message that is waited for");
        await Wait.For(receiver.ReceiveAsync(late).AsTask(), "the message that came before");

        Assert.Empty(await _memory.Queue.ListChannelsAsync());
    }

    [Fact]
    public async Task A_sender_whose_clock_is_wrong_does_not_change_how_long_a_message_lives()
    {
        await using var sender = _memory.Open(new WrongClock(_memory.Clock, TimeSpan.FromHours(-1)));

        await sender.SendAsync("thumbnails", Message);
        var kept = await _memory.Queue.ListChannelsAsync();
        _memory.Clock.Advance(new ChannelLayerOptions().Expiry);

        Assert.Single(kept);
        Assert.Empty(await _memory.Queue.ListChannelsAsync());
    }

    [Fact]
    public async Task Memberships_outlive_a_clock_that_is_set()
    {
        await using var layer = _memory.Open();
        await layer.AddToGroupAsync("watchers", "thumbnails");

        _memory.Clock.Jump(TimeSpan.FromDays(2));
        await layer.SendToGroupAsync("watchers", Message);

        await Wait.For(layer.ReceiveAsync("thumbnails").AsTask(), "the group's message");
    }
}
