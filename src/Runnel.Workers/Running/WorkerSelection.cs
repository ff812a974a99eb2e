using Microsoft.Extensions.Options;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Which of the application's channels this process works on: those that fit the patterns.</summary>
public sealed class WorkerSelection(ChannelRegistry registry, IOptions<WorkerOptions> options)
{
    /// <summary>The channels, in order; none when the worker is switched off.</summary>
    public IReadOnlyList<ChannelName> Selected => [.. registry.Names.Where(Takes)];

    /// <summary>Whether this process takes what comes on a channel: its worker is on, and the name fits the patterns.</summary>
    public bool Takes(ChannelName name) =>
        // As Channels 1.x's workers do it: first only, then exclude; case counts.
        options.Value.Enabled
        && (options.Value.OnlyChannels.Count == 0 || options.Value.OnlyChannels.Any(pattern => new Glob(pattern).IsMatch(name.Value)))
        && !options.Value.ExcludeChannels.Any(pattern => new Glob(pattern).IsMatch(name.Value));
}
