using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Runnel.Layers;

/// <summary>The names under which Runnel can be watched: one meter, one activity source, both called <c>Runnel</c>, and all instruments.</summary>
public static class RunnelTelemetry
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string Name = "Runnel";

    /// <summary>Connections open on this node.</summary>
    public const string ConnectionsOpen = "runnel.connections.open";

    /// <summary>Connections that were refused, by <c>reason</c>.</summary>
    public const string ConnectionsRefused = "runnel.connections.refused";

    /// <summary>Connections that were cut by this node, by <c>reason</c>.</summary>
    public const string ConnectionsCut = "runnel.connections.cut";

    /// <summary>Frames that were dropped on their way to a client, by <c>reason</c>.</summary>
    public const string FramesDropped = "runnel.frames.dropped";

    /// <summary>Messages that reached nobody, by <c>reason</c>.</summary>
    public const string MessagesDropped = "runnel.messages.dropped";

    /// <summary>Messages to groups that this node fanned out.</summary>
    public const string GroupMessages = "runnel.group.messages";

    /// <summary>Groups that clients of <c>runnel.v1</c> joined on this node, by <c>outcome</c>: <c>New</c>, <c>Recovered</c>, <c>Gap</c>.</summary>
    public const string GroupJoins = "runnel.group.joins";

    /// <summary>
    /// Gaps in the messages of groups with members on this node, by <c>reason</c>: <c>lost</c>, <c>cut-off</c> where messages only may be missing, <c>reported</c> by a sender, or <c>not-kept</c> where
    /// a message to a group with history was sent without it.
    /// </summary>
    public const string GroupGaps = "runnel.group.gaps";

    /// <summary>How often messages to single connections of this node may have been lost: the node was cut off from the layer, stood still, or was too slow.</summary>
    public const string InboxGaps = "runnel.inbox.gaps";

    /// <summary>How often this node read a page of a group's history from the layer, for clients that came back. Those who come back together share the reads.</summary>
    public const string GroupHistoryReads = "runnel.group.history_reads";

    /// <summary>Connections that this gateway handed to a worker, by <c>kind</c>: <c>new</c>, <c>adopted</c>.</summary>
    public const string HandoverHanded = "runnel.handover.handed";

    /// <summary>Connections that this gateway closed because no worker could go on with them, by <c>reason</c>: <c>no-worker</c>, <c>slow-worker</c>, <c>not-adoptable</c>, <c>killed-workers</c>, <c>scope</c>.</summary>
    public const string HandoverClosed = "runnel.handover.closed";

    /// <summary>What workers sent to connections that are not theirs any more.</summary>
    public const string HandoverRefused = "runnel.handover.refused";

    /// <summary>Connections of this gateway that wait for a worker.</summary>
    public const string HandoverWaiting = "runnel.handover.waiting";

    /// <summary>Connections of this gateway that a worker has, by <c>worker</c>.</summary>
    public const string HandoverConnections = "runnel.handover.connections";

    /// <summary>Messages that workers were done with, by <c>channel</c> and <c>outcome</c>.</summary>
    public const string JobsHandled = "runnel.jobs.handled";

    /// <summary>How long handlers ran, in seconds, by <c>channel</c>.</summary>
    public const string JobDuration = "runnel.jobs.duration";

    /// <summary>Final states of jobs that could not be published as long as the process ran, or for which there was no room.</summary>
    public const string JobStatesLost = "runnel.jobs.states_lost";

    /// <summary>Messages to a group that a member missed, since it was at its capacity or its queue was away.</summary>
    public const string GroupDroppedName = "runnel.group.dropped";

    /// <summary>Messages that went unread past their expiry.</summary>
    public const string MessagesExpiredName = "runnel.messages.expired";

    /// <summary>Committed changes of bound entities that were sent to a group, by <c>model</c>.</summary>
    public const string BindingSent = "runnel.binding.sent";

    /// <summary>Committed changes of bound entities that could not be sent, by <c>model</c>.</summary>
    public const string BindingFailed = "runnel.binding.failed";

    /// <summary>The meter all instruments belong to.</summary>
    public static Meter Meter { get; } = new(Name);

    /// <summary>The activity source all spans belong to.</summary>
    public static ActivitySource Activities { get; } = new(Name);
}
