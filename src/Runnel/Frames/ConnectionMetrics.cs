using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.Frames;

/// <summary>What is counted of connections and groups. The names are in <see cref="RunnelTelemetry"/>.</summary>
internal static class ConnectionMetrics
{
    private static readonly UpDownCounter<int> Open =
        RunnelTelemetry.Meter.CreateUpDownCounter<int>(RunnelTelemetry.ConnectionsOpen, description: "Connections open on this node.");

    private static readonly Counter<long> Frames =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.FramesDropped, description: "Frames dropped on their way to a client.");

    private static readonly Counter<long> GroupMessages =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.GroupMessages, description: "Messages to groups that this node fanned out.");

    private static readonly Counter<long> GroupGaps =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.GroupGaps, description: "Gaps in the messages of groups with members on this node.");

    private static readonly Counter<long> InboxGaps =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.InboxGaps, description: "Times when messages to single connections of this node may have been lost.");

    private static readonly Counter<long> Joins =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.GroupJoins, description: "Groups that clients of runnel.v1 joined on this node.");

    private static readonly Counter<long> HistoryReads =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.GroupHistoryReads, description: "Pages of groups' histories that this node read from the layer.");

    public static void ConnectionOpened() => Open.Add(1);

    public static void ConnectionClosed() => Open.Add(-1);

    public static void FramesWereDropped(int count, OutboundPolicy policy)
    {
        if (count > 0)
            Frames.Add(count, new KeyValuePair<string, object?>("reason", policy.ToString()));
    }

    public static void GroupMessageFannedOut() => GroupMessages.Add(1);

    public static void GroupJoined(JoinOutcome outcome) => Joins.Add(1, new KeyValuePair<string, object?>("outcome", outcome.ToString()));

    public static void GroupMessageWasNotKept() => GroupGaps.Add(1, new KeyValuePair<string, object?>("reason", "not-kept"));

    public static void GroupGapWasReported() => GroupGaps.Add(1, new KeyValuePair<string, object?>("reason", "reported"));

    public static void GroupHistoryWasRead() => HistoryReads.Add(1);

    public static void InboxHadGap() => InboxGaps.Add(1);

    public static void GroupHadGap(bool isCertain) => GroupGaps.Add(1, new KeyValuePair<string, object?>("reason", isCertain ? "lost" : "cut-off"));
}
