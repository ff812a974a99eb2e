namespace Runnel.Bench;

/// <summary>The clients of one group, together.</summary>
/// <param name="name">The group's name.</param>
/// <param name="number">Its number: those who publish to it are numbered from a hundred times that.</param>
internal sealed class RecoveringGroup(string name, int number)
{
    private const int PublishersPerGroup = 100;

    public string Name { get; } = name;

    /// <summary>The latest number that is known here: a client that has it is level with the group.</summary>
    public long Newest { get; set; }

    /// <summary>How many messages all of them got.</summary>
    public long Messages { get; set; }

    /// <summary>The number of somebody who publishes to a group.</summary>
    public static int PublisherOf(int group, int place) => (group * PublishersPerGroup) + place;

    /// <summary>Whether a message was sent to this group.</summary>
    public bool Owns(long message) => message / Arrivals.NumbersPerPublisher / PublishersPerGroup == number;
}
