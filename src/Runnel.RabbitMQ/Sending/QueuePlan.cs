using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Sending;

/// <summary>The queues of the work queue, and what they are declared with. All are durable quorum queues, but the list of channels, which is a stream.</summary>
/// <remarks>
/// There is no limit to the length: the sender looks for room (<see cref="ChannelRoom"/>), since a channel's capacity may change, and what is given back or replayed is never refused.
/// </remarks>
internal sealed class QueuePlan(RabbitMQOptions options)
{
    // The layer counts crashes, and whoever receives decides: the broker must never do so itself. It has to be said, since newer brokers have a limit of their own.
    private const int NeverGivenUp = 1_000_000_000;

    // The broker counts in whole milliseconds, from the one in which the message came.
    private const long UpToOneMore = 1;

    // A process that is gone for so long does not come back under its name.
    private static readonly long ProcessQueueExpiry = (long)TimeSpan.FromDays(2).TotalMilliseconds;

    // The broker forgets by whole segments.
    private const long NotesSegment = 4_000_000;

    private readonly ConcurrentDictionary<DelayStep, BrokerQueue> _steps = new();

    public BrokerQueue Relay { get; } = new(RabbitNames.RelayOf(options), Quorum());

    public BrokerQueue Channels { get; } = new(RabbitNames.ChannelsOf(options), new Dictionary<string, object?> { ["x-queue-type"] = "stream" });

    public BrokerQueue Notes { get; } = new(
        RabbitNames.NotesOf(options), new Dictionary<string, object?> { ["x-queue-type"] = "stream", ["x-max-age"] = "7D", ["x-stream-max-segment-size-bytes"] = NotesSegment });

    public BrokerQueue Of(ChannelName channel) => new(RabbitNames.QueueOf(options, channel), Work(channel));

    public BrokerQueue ShardOf(ChannelName channel, int shard) =>
        new(RabbitNames.ShardOf(options, channel, shard), With(Work(channel), ("x-single-active-consumer", true)));

    public BrokerQueue WorkersOf(ChannelName channel) => new(RabbitNames.WorkersOf(options, channel), Work(channel));

    public BrokerQueue DeadOf(ChannelName channel) =>
        new(RabbitNames.DeadOf(options, channel), With(Quorum(), ("x-message-ttl", (long)options.DeadLetterRetention.TotalMilliseconds)));

    /// <summary>The queue of this name, which has messages of a channel without a key.</summary>
    public BrokerQueue OfName(string name) => Of(RabbitNames.ChannelOf(options, name));

    /// <summary>The queue of a step; it must never end by itself (<c>x-expires</c>), or what waits in it would end with it.</summary>
    public BrokerQueue DelayOf(DelayStep step) => _steps.GetOrAdd(step, MakeStep);

    private BrokerQueue MakeStep(DelayStep step) => new(
        RabbitNames.DelayOf(options, step.Milliseconds, step.Stripe),
        With(
            Quorum(),
            ("x-message-ttl", step.Milliseconds + UpToOneMore),
            ("x-dead-letter-exchange", ""),
            ("x-dead-letter-routing-key", Relay.Name),
            ("x-dead-letter-strategy", "at-least-once"),
            ("x-overflow", "reject-publish")),
        Relay);

    private Dictionary<string, object?> Work(ChannelName channel)
    {
        var arguments = With(Quorum(), ("x-consumer-timeout", (long)options.DeliveryTimeout.TotalMilliseconds));
        return channel.IsProcessSpecific ? With(arguments, ("x-expires", ProcessQueueExpiry)) : arguments;
    }

    private static Dictionary<string, object?> Quorum() => new() { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = NeverGivenUp };

    private static Dictionary<string, object?> With(Dictionary<string, object?> arguments, params ReadOnlySpan<(string Name, object Value)> more)
    {
        foreach (var (name, value) in more)
            arguments[name] = value;
        return arguments;
    }
}
