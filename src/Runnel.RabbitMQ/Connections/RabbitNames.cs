using System.Globalization;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Connections;

/// <summary>The names of all that the layer makes on a broker.</summary>
/// <remarks>In those of a channel's queues a colon parts the kind from the channel: neither a prefix nor a channel has one, so that no two names are alike.</remarks>
internal static class RabbitNames
{
    /// <summary>The direct exchange to which nodes bind their queues, topic by topic. It stays.</summary>
    public static string GroupsExchangeOf(RabbitMQOptions options) => $"{options.Prefix}.{options.GroupsExchange}";

    /// <summary>The queue of one node: exclusive, and gone with its connection.</summary>
    public static string NodeQueueOf(RabbitMQOptions options, string node) => $"{options.Prefix}.node.{node}";

    /// <summary>Messages of a channel that have no key. It stays, as the other queues of channels do.</summary>
    public static string QueueOf(RabbitMQOptions options, ChannelName channel) => $"{options.Prefix}.q:{channel}";

    /// <summary>The channel of such a queue.</summary>
    public static ChannelName ChannelOf(RabbitMQOptions options, string queue) => queue[QueueOf(options, default).Length..];

    /// <summary>Messages of a channel with keys that fall on a shard.</summary>
    public static string ShardOf(RabbitMQOptions options, ChannelName channel, int shard) => string.Create(CultureInfo.InvariantCulture, $"{options.Prefix}.key{shard}:{channel}");

    /// <summary>Dead letters of a channel.</summary>
    public static string DeadOf(RabbitMQOptions options, ChannelName channel) => $"{options.Prefix}.dead:{channel}";

    /// <summary>Messages that stay away for a fixed time; of the short times there are several alike.</summary>
    public static string DelayOf(RabbitMQOptions options, long milliseconds, int stripe) => string.Create(CultureInfo.InvariantCulture, $"{options.Prefix}.delay:{milliseconds}.{stripe}");

    /// <summary>Messages whose delay is not over, or just is.</summary>
    public static string RelayOf(RabbitMQOptions options) => $"{options.Prefix}.relay";

    /// <summary>The stream of which channels there are.</summary>
    public static string ChannelsOf(RabbitMQOptions options) => $"{options.Prefix}.channels";

    /// <summary>The stream of what becomes of messages with a key; it forgets after a week.</summary>
    public static string NotesOf(RabbitMQOptions options) => $"{options.Prefix}.notes";

    /// <summary>A queue that stays empty: its consumers are the workers that take messages with keys from a channel, so that each of them knows how many they are.</summary>
    public static string WorkersOf(RabbitMQOptions options, ChannelName channel) => $"{options.Prefix}.workers:{channel}";
}
