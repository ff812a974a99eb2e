using Microsoft.Extensions.Logging;

namespace Runnel.Layers.Topics;

/// <summary>What the flow of a topic logs; its event ids are 400 to 419.</summary>
internal static partial class TopicLog
{
    // Whoever listens knows whether a gap matters; here it is a detail of an outage that the layer has logged.
    [LoggerMessage(400, LogLevel.Debug, "Topic '{Topic}' has a gap after {After}; it goes on after {Resumes}.")]
    public static partial void GapTold(ILogger logger, Topic topic, Position after, Position resumes);

    [LoggerMessage(401, LogLevel.Debug, "Messages of topic '{Topic}' may be missing, since this node was cut off and the topic keeps no history.")]
    public static partial void DoubtTold(ILogger logger, Topic topic);

    [LoggerMessage(402, LogLevel.Warning, "The history of topic '{Topic}' could not be read to fill a gap. It is read again in {Rest}.")]
    public static partial void FillFailed(ILogger logger, Exception exception, Topic topic, TimeSpan rest);

    [LoggerMessage(403, LogLevel.Error, "A subscriber of topic '{Topic}' threw an exception. It does not get the message again; the others got it.")]
    public static partial void ListenerFailed(ILogger logger, Exception exception, Topic topic);

    // As one to a connection that is gone, which is only counted.
    [LoggerMessage(404, LogLevel.Debug, "A message to '{Topic}' reached nobody: that node is gone, or cut off.")]
    public static partial void NodeGone(ILogger logger, Topic topic);
}
