using Microsoft.Extensions.Options;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Which of the application's channels this process works on: those that fit the patterns.</summary>
public sealed class WorkerSelection(ChannelRegistry registry, IOptions<WorkerOptions> options)
{
    /// <summary>The channels, in order; none when the worker is switched off.</summary>
    public IReadOnlyList<ChannelName> Selected => options.Value.Enabled ? [.. registry.Names.Where(IsSelected)] : [];

    // As Channels 1.x's workers do it: first only, then exclude; case counts.
    private bool IsSelected(ChannelName name) =>
        (options.Value.OnlyChannels.Count == 0 || options.Value.OnlyChannels.Any(pattern => new Glob(pattern).IsMatch(name.Value)))
        && !options.Value.ExcludeChannels.Any(pattern => new Glob(pattern).IsMatch(name.Value));
}
