using System.Diagnostics.Metrics;

namespace Runnel.Layers;

/// <summary>Counts what every layer has to count, under the names that <see cref="RunnelTelemetry"/> lists. For authors of layers.</summary>
public static class LayerTelemetry
{
    private static readonly Counter<long> Expired =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.MessagesExpiredName, "{message}", "Messages that went unread past their expiry.");

    private static readonly Counter<long> Dropped =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.MessagesDropped, "{message}", "Messages that reached nobody.");

    /// <summary>Counts messages that the layer removed because nobody took them in time.</summary>
    public static void MessagesExpired(long count)
    {
        if (count > 0)
            Expired.Add(count);
    }

    /// <summary>Counts messages that reach nobody, by the reason.</summary>
    public static void MessagesDropped(string reason, int count = 1)
    {
        if (count > 0)
            Dropped.Add(count, new KeyValuePair<string, object?>("reason", reason));
    }
}
