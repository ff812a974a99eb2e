namespace Runnel.Layers;

/// <summary>Receives a topic's messages. Each subscription calls its listener from one thread at a time. A listener must not block and must not throw.</summary>
public interface ITopicListener
{
    /// <summary>The next message. Messages come in order, each once.</summary>
    void OnMessage(BackplaneMessage message);

    /// <summary>Messages are missing, or may be missing, between the previous message and the next one.</summary>
    /// <remarks>
    /// <para>
    /// The backplane first fills what it can from the topic's history, and tells a gap only for what it cannot fill: the history no longer holds those
    /// messages or began anew, or the topic keeps no history and the node was cut off (<see cref="TopicGap.IsCertain"/> is <see langword="false"/> then).
    /// </para>
    /// <para>
    /// If a topic has history, a message that was published to it without retention may be missed while the node is cut off, and no gap is told for it.
    /// </para>
    /// </remarks>
    void OnGap(TopicGap gap);
}
