using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.Handover;

/// <summary>What a gateway counts of the connections that it hands to workers. The names are in <see cref="RunnelTelemetry"/>.</summary>
internal static class HandoverMetrics
{
    private static readonly Counter<long> Handed =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.HandoverHanded, description: "Connections that this gateway handed to a worker.");

    private static readonly Counter<long> Closed =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.HandoverClosed, description: "Connections that this gateway closed because no worker could go on with them.");

    private static readonly Counter<long> Refused =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.HandoverRefused, description: "What workers sent to connections that are not theirs any more.");

    private static readonly UpDownCounter<int> Waiting =
        RunnelTelemetry.Meter.CreateUpDownCounter<int>(RunnelTelemetry.HandoverWaiting, description: "Connections of this gateway that wait for a worker.");

    private static readonly UpDownCounter<int> Held =
        RunnelTelemetry.Meter.CreateUpDownCounter<int>(RunnelTelemetry.HandoverConnections, description: "Connections of this gateway that a worker has.");

    public static void WasHanded(bool isAdopted) => Handed.Add(1, new KeyValuePair<string, object?>("kind", isAdopted ? "adopted" : "new"));

    public static void WasClosed(string reason) => Closed.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public static void WasRefused() => Refused.Add(1);

    public static void Waits(int change) => Waiting.Add(change);

    public static void Has(string worker, int change) => Held.Add(change, new KeyValuePair<string, object?>("worker", worker));
}
