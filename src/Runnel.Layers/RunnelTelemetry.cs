using System.Diagnostics.Metrics;

namespace Runnel.Layers;

/// <summary>The names of what Runnel's layers measure.</summary>
public static class RunnelTelemetry
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Runnel";

    /// <summary>Counter: messages to a group that a member missed, since it was at its capacity or its queue was away.</summary>
    public const string GroupDroppedName = "runnel.group.dropped";

    /// <summary>Counter: messages that went unread past their expiry.</summary>
    public const string MessagesExpiredName = "runnel.messages.expired";

    private static readonly Meter Meter = new(MeterName);

    internal static Counter<long> GroupDropped { get; } =
        Meter.CreateCounter<long>(GroupDroppedName, "{message}", "Messages to a group that a member missed.");

    internal static Counter<long> MessagesExpired { get; } =
        Meter.CreateCounter<long>(MessagesExpiredName, "{message}", "Messages that went unread past their expiry.");
}
