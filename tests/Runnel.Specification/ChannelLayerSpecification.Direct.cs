using Runnel.ChannelLayers;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

// A layer whose broker finds the channels of processes by their names has no other channels, and keeps nothing for them in a queue.
public abstract partial class ChannelLayerSpecification
{
    private bool IsDirect => Operator is null;

    /// <summary>How many messages of a channel wait in its process, on a layer with <see cref="IDirectChannels"/>.</summary>
    protected virtual int CountWaiting(IChannelLayer layer, ChannelName channel) => 0;

    /// <summary>Whether the layer lacks something because it has no queue for channels. The test's result reports it.</summary>
    private bool LacksQueue(string feature)
    {
        if (IsDirect)
            NotPromised.Note(feature);
        return IsDirect;
    }

    /// <summary>A channel that belongs to no process, or, where there are none, one of this process.</summary>
    private ValueTask<ChannelName> ChannelAsync(IChannelLayer layer, string name) => IsDirect ? layer.NewChannelAsync() : new(new ChannelName(name));

    /// <summary>Waits until what was sent is where it waits to be received: it may be on its way when sending it has returned.</summary>
    private Task HeldAsync(IChannelLayer layer, ChannelName channel, int count) => Wait.Until(
        async () => IsDirect
            ? CountWaiting(layer, channel) == count
            : (await Operator!.ListChannelsAsync()).Any(status => status.Channel == channel.QueueName && status.Ready + status.Scheduled == count),
        $"'{channel}' holds {count}");

    private async Task AssertNothingLeftAsync()
    {
        if (!IsDirect)
            Assert.Empty(await Operator!.ListChannelsAsync());
    }

    private static int GroupCountOf(IChannelLayer layer) => layer is DirectChannelLayer direct ? direct.GroupCount : ((ChannelLayer)layer).GroupCount;
}
