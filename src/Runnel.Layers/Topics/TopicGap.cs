namespace Runnel.Layers;

/// <summary>A place in a topic where messages are missing, or may be missing.</summary>
/// <param name="After">The last position before the gap; <see cref="Position.None"/> if there was none.</param>
/// <param name="Resumes">The position after which the topic goes on; <see cref="Position.None"/> if nobody knows whether messages are missing.</param>
public readonly record struct TopicGap(Position After, Position Resumes)
{
    /// <summary>The node was cut off from a topic that keeps no history: messages may be missing.</summary>
    public static TopicGap Unknown => default;

    /// <summary>Whether messages are certainly missing.</summary>
    public bool IsCertain => Resumes != Position.None;
}
