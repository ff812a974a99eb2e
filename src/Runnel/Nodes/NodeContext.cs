using System.Globalization;
using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel;

/// <summary>What this process is to its connections and groups: its name, the options, the clock and the log. You get it from dependency injection.</summary>
public sealed class NodeContext
{
    /// <summary>How the names of nodes begin.</summary>
    internal const string Prefix = "node.";

    private long _lastNumber;

    internal NodeContext(RunnelOptions options, TimeProvider timeProvider, ILogger logger)
    {
        Options = options;
        TimeProvider = timeProvider;
        Logger = logger;
    }

    /// <summary>The node's name, unique over all nodes and all starts.</summary>
    public string Id { get; } = Prefix + Guid.NewGuid().ToString("N");

    /// <summary>The options of connections and groups.</summary>
    public RunnelOptions Options { get; }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>The log of connections and groups.</summary>
    public ILogger Logger { get; }

    /// <summary>Refuses an endpoint whose consumers could join no group. Whatever maps endpoints calls it, so that this shows at the start and not at the first connection.</summary>
    /// <param name="outbound">What the endpoint keeps for its clients.</param>
    /// <exception cref="InvalidOperationException">Its policy drops messages, and every group keeps history.</exception>
    public void Check(OutboundOptions outbound)
    {
        ArgumentNullException.ThrowIfNull(outbound);
        if (outbound.Policy != OutboundPolicy.Disconnect && Options.EveryGroupKeepsHistory)
            throw new InvalidOperationException($"Every group keeps history (KeepHistory with '*'), and the policy {outbound.Policy} of this endpoint drops messages: its consumers could join no group. "
                + "Set the endpoint's Outbound.Policy to Disconnect, or let the groups that it needs keep none (KeepHistory with null, before the other one).");
    }

    internal long NextNumber() => Interlocked.Increment(ref _lastNumber);

    /// <summary>Takes several numbers.</summary>
    /// <returns>The first.</returns>
    internal long NextNumbers(int count) => Interlocked.Add(ref _lastNumber, count) - count + 1;

    internal ChannelName ChannelNameOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{Id}!{number:x}");
}
