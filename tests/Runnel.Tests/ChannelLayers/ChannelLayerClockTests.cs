using Runnel.ChannelLayers;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.ChannelLayers;

/// <summary>Processes whose clocks are not that of the layer.</summary>
public sealed class ChannelLayerClockTests
{
    private static readonly Message Message = new("tick", default);

    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryBackplane _backplane;
    private readonly InMemoryWorkQueue _queue;

    public ChannelLayerClockTests() => (_backplane, _queue) = (new(_clock), new(_clock));

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task A_message_reaches_a_process_whose_clock_is_an_hour_wrong_also_when_nobody_waits_for_it_yet(int hours)
    {
        await using var sender = Open(_clock);
        await using var receiver = Open(new WrongClock(_clock, TimeSpan.FromHours(hours)));
        var (early, late) = (await receiver.NewChannelAsync(), await receiver.NewChannelAsync());
        var first = receiver.ReceiveAsync(early).AsTask();

        await sender.SendAsync(late, Message);
        await sender.SendAsync(early, Message);
        await Wait.For(first, "the message that is waited for");
        await Wait.For(receiver.ReceiveAsync(late).AsTask(), "the message that came before");

        Assert.Empty(await _queue.ListChannelsAsync());
    }

    [Fact]
    public async Task A_sender_whose_clock_is_wrong_does_not_change_how_long_a_message_lives()
    {
        await using var sender = Open(new WrongClock(_clock, TimeSpan.FromHours(-1)));

        await sender.SendAsync("thumbnails", Message);
        var kept = await _queue.ListChannelsAsync();
        _clock.Advance(new ChannelLayerOptions().Expiry);

        Assert.Single(kept);
        Assert.Empty(await _queue.ListChannelsAsync());
    }

    [Fact]
    public async Task Memberships_outlive_a_clock_that_is_set()
    {
        await using var layer = Open(_clock);
        await layer.AddToGroupAsync("watchers", "thumbnails");

        _clock.Jump(TimeSpan.FromDays(2));
        await layer.SendToGroupAsync("watchers", Message);

        await Wait.For(layer.ReceiveAsync("thumbnails").AsTask(), "the group's message");
    }

    private ChannelLayer Open(TimeProvider clock) => new(_backplane, _queue, _queue, new ChannelLayerOptions(), clock);
}
