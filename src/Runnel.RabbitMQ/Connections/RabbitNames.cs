namespace Runnel.RabbitMQ.Connections;

/// <summary>The names of all that the layer makes on a broker.</summary>
internal static class RabbitNames
{
    /// <summary>The direct exchange to which nodes bind their queues, topic by topic. It stays.</summary>
    public static string GroupsExchangeOf(RabbitMQOptions options) => $"{options.Prefix}.{options.GroupsExchange}";

    /// <summary>The queue of one node: exclusive, and gone with its connection.</summary>
    public static string NodeQueueOf(RabbitMQOptions options, string node) => $"{options.Prefix}.node.{node}";
}
