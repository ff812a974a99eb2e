using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Sending;

namespace Runnel.Bench;

/// <summary>All names that the layer may leave on a broker: the documented list.</summary>
internal static class RabbitLayerNames
{
    private const int KeyShards = 16; // the option's default

    /// <summary>The queues of some channels, and those that all of them share.</summary>
    public static IEnumerable<string> Queues(string prefix, params IEnumerable<ChannelName> channels)
    {
        var options = new RabbitMQOptions { Prefix = prefix };
        return channels.SelectMany(channel => OfChannel(options, channel))
            .Concat(DelayLadder.Steps.Select(step => RabbitNames.DelayOf(options, step.Milliseconds, step.Stripe)))
            .Concat([RabbitNames.RelayOf(options), RabbitNames.ChannelsOf(options), RabbitNames.NotesOf(options)]);
    }

    public static string Exchange(string prefix) => RabbitNames.GroupsExchangeOf(new RabbitMQOptions { Prefix = prefix });

    private static IEnumerable<string> OfChannel(RabbitMQOptions options, ChannelName channel) =>
        Enumerable.Range(0, KeyShards).Select(shard => RabbitNames.ShardOf(options, channel, shard))
            .Concat([RabbitNames.QueueOf(options, channel), RabbitNames.DeadOf(options, channel), RabbitNames.WorkersOf(options, channel)]);
}
