using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.AspNetCore.Admission;
using Runnel.AspNetCore.Handover;
using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.AspNetCore.Commands;

/// <summary>Looks whether a command can work with the layers and patterns that it was given. If it cannot, the start is refused with a sentence that says what to do.</summary>
internal static class StartCheck
{
    private const string SameLayer = "--layer sqlite:work.db on one machine, --layer redis://HOST on several.";

    /// <summary>Refuses a worker that no other process could reach. Before the layers are opened.</summary>
    public static void RefuseWorkerAlone(WebApplication app)
    {
        var layer = app.Services.GetRequiredService<ConfiguredLayer>();
        if (layer.QueueScheme == "memory")
            throw new InvalidOperationException($"A worker on 'memory:' would wait for ever: what other processes send never reaches it. Give both the same layer: {SameLayer}");
        if (layer.Scheme == "memory")
            throw new InvalidOperationException($"Other processes would not see this worker's job states and group messages: 'memory:' keeps them in the worker. Give both the same layer for these, too: {SameLayer}");
        if (layer.StateAddress is { } states && LayerAddress.SchemeOf(states) == "memory")
            throw new InvalidOperationException("Other processes would not see the states of this worker's jobs: 'memory:' keeps them in the worker. Give all of them the same layer for states: --state-layer sqlite:work.db on one machine, --state-layer redis://HOST on several.");
    }

    /// <summary>Refuses a worker whose patterns leave it nothing to take.</summary>
    public static void RefuseEmptySelection(WebApplication app)
    {
        IReadOnlyList<ChannelName> names = [.. JobChannels(app), .. Consumers(app).Select(static consumer => consumer.Channel)];
        if (names.Any(app.Services.GetRequiredService<WorkerSelection>().Takes))
            return;
        throw new InvalidOperationException(names.Count == 0
            ? "This application has no consumers: there is nothing for a worker to do."
            : $"No channel fits --only-channels and --exclude-channels: there are {string.Join(", ", names.Select(name => $"'{name}'"))}.");
    }

    /// <summary>Refuses a server that leaves its work or its connections to workers that cannot see it. Once the layers are open.</summary>
    public static void RefuseServerAlone(WebApplication app)
    {
        var layer = app.Services.GetRequiredService<ConfiguredLayer>();
        var (hasWork, isShared) = (JobChannels(app).Count > 0, IsShared(app.Services.GetRequiredService<IBackplane>()));
        if (hasWork && !IsShared(app.Services.GetRequiredService<IWorkQueue>()))
            throw new InvalidOperationException($"Nobody would handle what a server sends with --noworker on '{layer.QueueScheme}:', since no worker can see it. Leave out --noworker, or give the server and its workers the same layer: {SameLayer}");
        if (hasWork && !isShared)
            throw new InvalidOperationException($"With --noworker on '{layer.Scheme}:', this server would not see the workers' job states and group messages. Leave out --noworker, or give the server and its workers the same layer for these, too: {SameLayer}");
        if (!isShared && Consumers(app).Any())
            throw new InvalidOperationException($"Nobody would run the consumers of a server with --noworker on '{layer.Scheme}:', since no worker can see its connections. Leave out --noworker, or give the server and its workers the same layer: {SameLayer}");
    }

    /// <summary>Warns of a server that shares its work and nothing else: right for one process, and not for several. Once the layers are open.</summary>
    public static void WarnOfServerApart(WebApplication app)
    {
        var layer = app.Services.GetRequiredService<ConfiguredLayer>();
        if (JobChannels(app).Count > 0 && IsShared(app.Services.GetRequiredService<IWorkQueue>()) && !IsShared(app.Services.GetRequiredService<IBackplane>()))
            Log.OnlyWorkIsShared(app.Logger, layer.QueueScheme, layer.Scheme);
    }

    private static IReadOnlyList<ChannelName> JobChannels(WebApplication app) => app.Services.GetRequiredService<ChannelRegistry>().Names;

    private static IEnumerable<MappedEndpoint> Consumers(WebApplication app) => app.Services.GetRequiredService<MappedConsumers>().All;

    private static bool IsShared(IWorkQueue queue) => queue.Features.HasFlag(WorkQueueFeatures.ScaleOut);

    private static bool IsShared(IBackplane backplane) => backplane.Features.HasFlag(BackplaneFeatures.ScaleOut);
}
