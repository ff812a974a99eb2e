using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.AspNetCore.Admission;

/// <summary>What is counted of sockets. The names are in <see cref="RunnelTelemetry"/>.</summary>
internal static class GatewayMetrics
{
    private static readonly Counter<long> Refused =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.ConnectionsRefused, description: "Connections that were refused.");

    private static readonly Counter<long> Cut =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.ConnectionsCut, description: "Connections that were cut by this node.");

    public static void ConnectionWasRefused(string reason) => Refused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public static void ConnectionWasCut(string reason) => Cut.Add(1, new KeyValuePair<string, object?>("reason", reason));
}
