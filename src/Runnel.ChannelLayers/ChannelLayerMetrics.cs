using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>What channel layers count.</summary>
internal static class ChannelLayerMetrics
{
    public static Counter<long> GroupDropped { get; } =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.GroupDroppedName, "{message}", "Messages to a group that a member missed.");
}
