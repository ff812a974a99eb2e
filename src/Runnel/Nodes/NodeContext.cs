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

    internal long NextNumber() => Interlocked.Increment(ref _lastNumber);

    internal ChannelName ChannelNameOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{Id}!{number:x}");
}
