using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.Redis.Stores;

/// <summary>The instruments of the layer; their names are in <see cref="RunnelTelemetry"/>.</summary>
internal static class RedisTelemetry
{
    private static readonly Counter<long> Dropped =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.MessagesDropped, "{message}", "Messages that reached nobody.");

    public static void MessagesWereDropped(string reason, int count) => Dropped.Add(count, new KeyValuePair<string, object?>("reason", reason));
}
