namespace Runnel.Layers;

/// <summary>What a topic's history holds after a position.</summary>
/// <param name="Messages">The messages after it, oldest first.</param>
/// <param name="Latest">The position of the newest message that the topic ever had; <see cref="Position.None"/> when it has no history.</param>
/// <param name="IsComplete">
/// Whether nothing is missing between the position asked for and the first message here. <see langword="false"/>: the epoch is another one,
/// or retention has ended the part in between, and the reader has to start from a snapshot.
/// </param>
/// <param name="HasMore">Whether there are more messages. The limit, or the layer's own limit in bytes, cut the answer: ask again after the last message here.</param>
public sealed record TopicHistory(IReadOnlyList<BackplaneMessage> Messages, Position Latest, bool IsComplete, bool HasMore);
