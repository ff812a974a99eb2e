using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.Sqlite.Tables;

/// <summary>What the layer counts, under the names that all layers count it by.</summary>
internal static class SqliteTelemetry
{
    private static readonly Meter Meter = new(RunnelTelemetry.Name);

    public static Counter<long> MessagesExpired { get; } =
        Meter.CreateCounter<long>(RunnelTelemetry.MessagesExpiredName, "{message}", "Messages that went unread past their expiry.");
}
