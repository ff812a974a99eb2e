namespace Runnel.Layers;

/// <summary>How much history a topic keeps: the latest <paramref name="Messages"/>, none older than <paramref name="Age"/>.</summary>
/// <param name="Messages">The most messages kept; at least 1.</param>
/// <param name="Age">How long a message is kept.</param>
public sealed record Retention(int Messages, TimeSpan Age)
{
    private readonly TimeSpan _positionAge = TimeSpan.FromHours(24);

    /// <summary>The most messages kept; at least 1.</summary>
    public int Messages { get; } = Messages >= 1
        ? Messages
        : throw new ArgumentOutOfRangeException(nameof(Messages), Messages, "A history keeps at least one message; to keep none, pass no retention.");

    /// <summary>How long a message is kept.</summary>
    public TimeSpan Age { get; } = Age > TimeSpan.Zero
        ? Age
        : throw new ArgumentOutOfRangeException(nameof(Age), Age, "A history keeps its messages for more than no time; to keep none, pass no retention.");

    /// <summary>How long the topic's position is remembered after its last message; while somebody subscribes to a group, its position is remembered longer. It outlives the messages, so that a reader who has them all learns that nothing was published since.</summary>
    /// <value>24 hours by default; never less than <see cref="Age"/>.</value>
    public TimeSpan PositionAge
    {
        get => _positionAge > Age ? _positionAge : Age;
        init => _positionAge = value;
    }
}
