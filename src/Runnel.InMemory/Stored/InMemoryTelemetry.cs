using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.InMemory.Stored;

/// <summary>What the layer counts, under the names that all layers count it by.</summary>
internal static class InMemoryTelemetry
{
    public static Counter<long> MessagesExpired { get; } =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.MessagesExpiredName, "{message}", "Messages that went unread past their expiry.");
}
