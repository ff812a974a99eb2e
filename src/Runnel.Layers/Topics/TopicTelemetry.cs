using System.Diagnostics.Metrics;

namespace Runnel.Layers.Topics;

/// <summary>What the flow of a topic counts. The names are in <see cref="RunnelTelemetry"/>.</summary>
internal static class TopicTelemetry
{
    private static readonly KeyValuePair<string, object?> Outage = new("reason", "outage");

    private static readonly Counter<long> Dropped =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.MessagesDropped, "{message}", "Messages that reached nobody.");

    public static void MessageWasDropped() => Dropped.Add(1, Outage);
}
