namespace Runnel.Bench;

/// <summary>How often the server publishes, and how many messages at a time.</summary>
internal sealed record Pace(string Title, int Burst, TimeSpan Interval)
{
    /// <summary>How long after the last message is published a delivery may still come.</summary>
    public static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(30);

    /// <summary>One message to all: nothing to coalesce, so each delivery is a write of its own.</summary>
    public static Pace Paced { get; } = new("Paced: one message each 50 ms", 1, TimeSpan.FromMilliseconds(50));

    /// <summary>Sixteen back to back. The pause lets every target finish one before the next, on two cores.</summary>
    public static Pace Bursts { get; } = new("Bursts: 16 messages each 100 ms", 16, TimeSpan.FromMilliseconds(100));

    public static IReadOnlyList<Pace> All { get; } = [Paced, Bursts];

    public int TicksIn(int seconds) => (int)(TimeSpan.FromSeconds(seconds) / Interval);
}
