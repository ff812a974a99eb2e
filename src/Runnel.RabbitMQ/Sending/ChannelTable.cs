using System.Collections.Concurrent;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>The channels that this process uses.</summary>
internal sealed class ChannelTable(ChannelRegistry registry, MessageNotes notes, QueueTopology topology, QueuePlan plan, QueueSender sender, RabbitMQBroker broker)
{
    private readonly ConcurrentDictionary<ChannelName, ChannelQueues> _queues = new();
    private readonly ConcurrentDictionary<ChannelName, ChannelLine> _lines = new();

    public ChannelRegistry Registry => registry;

    public MessageNotes Notes => notes;

    public QueueTopology Topology => topology;

    /// <summary>The queues of a channel.</summary>
    public ChannelQueues QueuesOf(ChannelName channel)
    {
        var queues = _queues.GetOrAdd(channel, static (name, plan) => new ChannelQueues(plan, name), plan);
        if (queues.Shards.Count == 0 && registry.ShardsOf(channel) is > 0 and var shards)
            queues.Split(shards);
        return queues;
    }

    /// <summary>The line in which messages to a channel are stored.</summary>
    public ChannelLine LineOf(ChannelName channel) =>
        _lines.GetValueOrDefault(channel) ?? _lines.GetOrAdd(channel, new ChannelLine(QueuesOf(channel), registry, topology, sender, broker));
}
