using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>What is counted of bindings. The names are in <see cref="RunnelTelemetry"/>.</summary>
internal static class BindingMetrics
{
    private static readonly Counter<long> SentChanges =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.BindingSent, description: "Committed changes sent to a group.");

    private static readonly Counter<long> FailedChanges =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.BindingFailed, description: "Committed changes that could not be sent.");

    public static void Sent(string model) => SentChanges.Add(1, new KeyValuePair<string, object?>("model", model));

    public static void Failed(string model) => FailedChanges.Add(1, new KeyValuePair<string, object?>("model", model));
}
