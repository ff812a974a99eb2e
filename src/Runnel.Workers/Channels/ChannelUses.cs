using Runnel.Layers;

namespace Runnel.Workers.Channels;

/// <summary>Tells what the application's channels need of the layers.</summary>
internal sealed class ChannelUses(ChannelRegistry registry) : ILayerUser
{
    public IEnumerable<LayerUse> Uses => registry.Declared.SelectMany(UsesOf);

    /// <summary>Refuses what a message needs and its channel does not declare, on every layer: no application is to find out in production.</summary>
    /// <exception cref="InvalidOperationException">The message uses what its channel does not declare.</exception>
    public static void Check(ChannelName channel, SendOptions message, ChannelOptions options)
    {
        if (!options.Ordered && !string.IsNullOrEmpty(message.Key))
            throw Undeclared(channel, "a message to it has a Key", nameof(ChannelOptions.Ordered));
        if (!options.Deduplicate && !string.IsNullOrEmpty(message.DeduplicationId))
            throw Undeclared(channel, "a message to it has a DeduplicationId", nameof(ChannelOptions.Deduplicate));
    }

    /// <summary>The refusal of a use that a channel does not declare.</summary>
    public static InvalidOperationException Undeclared(ChannelName channel, string what, string option) => new(
        $"Channel '{channel}' is not declared {option}, but {what}. Set {option} in the channel's options, where this application maps it (MapChannel) or adds it (AddChannel).");

    private static IEnumerable<LayerUse> UsesOf(ChannelDefinition channel)
    {
        if (channel.Options.Ordered)
        {
            yield return Use(channel, nameof(ChannelOptions.Ordered)) with { WorkQueue = WorkQueueFeatures.KeyOrder };
            yield return new LayerUse($"Channel '{channel.Name}' is declared {nameof(ChannelOptions.Ordered)}")
            {
                WorkQueue = WorkQueueFeatures.KeyOrder,
                KeyedDelay = channel.Options.Retry.LongestDelay,
                WayOut = "Lower MaxDelay or MaxAttempts of the channel's Retry, or pick another layer for work (--queue-layer, Runnel:QueueLayer).",
            };
        }
        if (channel.Options.Deduplicate)
            yield return Use(channel, nameof(ChannelOptions.Deduplicate)) with { WorkQueue = WorkQueueFeatures.Deduplicate, StateCanReplace = true };
        if (channel.Options.Cancellable)
            yield return Use(channel, nameof(ChannelOptions.Cancellable)) with { WorkQueue = WorkQueueFeatures.Cancel, StateCanReplace = true };
        if (channel.Options.Track)
            yield return Use(channel, nameof(ChannelOptions.Track), "for states, such as sqlite: or redis: (--state-layer, Runnel:StateLayer)") with { State = true };
    }

    private static LayerUse Use(ChannelDefinition channel, string option, string layer = "for work, such as sqlite: or redis: (--queue-layer, Runnel:QueueLayer)") =>
        new($"Channel '{channel.Name}' is declared {option}") { WayOut = $"Pick another layer {layer}, or take {option} out of the channel's options." };
}
