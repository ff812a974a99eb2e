using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.Redis.Stores;

/// <summary>The instruments of the layer; their names are in <see cref="RunnelTelemetry"/>.</summary>
internal static class RedisTelemetry
{
    private static readonly Counter<long> Dropped =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.MessagesDropped, "{message}", "Messages that reached nobody.");

    private static readonly Counter<long> Expired =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.MessagesExpiredName, "{message}", "Messages that went unread past their expiry.");

    public static void MessagesWereDropped(string reason, int count) => Dropped.Add(count, new KeyValuePair<string, object?>("reason", reason));

    public static void MessagesExpired(long count) => Expired.Add(count);
}
