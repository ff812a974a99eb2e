using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>The queues of one channel.</summary>
internal sealed class ChannelQueues(QueuePlan plan, ChannelName channel)
{
    private BrokerQueue[] _shards = [];

    public ChannelName Channel => channel;

    /// <summary>Messages without a key.</summary>
    public BrokerQueue Plain { get; } = plan.Of(channel);

    /// <summary>Dead letters.</summary>
    public BrokerQueue Dead { get; } = plan.DeadOf(channel);

    /// <summary>By whose consumers the workers are counted; it stays empty.</summary>
    public BrokerQueue Workers { get; } = plan.WorkersOf(channel);

    /// <summary>Messages with a key, by the shard that it falls on; none as long as the channel has had no message with a key.</summary>
    public IReadOnlyList<BrokerQueue> Shards => _shards;

    /// <summary>The channel has so many shards: one number for all processes, and for ever.</summary>
    public void Split(int shards)
    {
        if (_shards.Length != shards)
            _shards = [.. Enumerable.Range(0, shards).Select(shard => plan.ShardOf(channel, shard))];
    }

    /// <summary>Where a message of a key is.</summary>
    public BrokerQueue OfKey(string? key) => key is null ? Plain : _shards[KeyShard.Of(key, _shards.Length)];
}
