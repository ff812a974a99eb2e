namespace Runnel.RabbitMQ.Sending;

/// <summary>How a delay of any length is made of fixed ones: the broker's queues let only their first message go, so each of them has one delay for all.</summary>
/// <remarks>
/// A message goes from one step to the next, each time the longest that leaves <see cref="Spare"/>. At the end a process holds it in its memory, unsettled, and makes up there for what the
/// steps took too long. So no step is a round number: a delay of ten seconds takes one step of eight.
/// </remarks>
internal static class DelayLadder
{
    /// <summary>What is held in memory rather than in a queue, in milliseconds.</summary>
    public const long Held = 3_000;

    /// <summary>The same, where there is no memory left.</summary>
    public const long HeldWhenFull = 150;

    /// <summary>How much of a delay is left after a step, in milliseconds: as long as the broker takes for ten thousand messages that leave a step at once.</summary>
    public const long Spare = 2_000;

    /// <summary>How many queues alike each step has that many messages may leave at once: the broker lets only so many messages of one queue go at a time.</summary>
    public const int Stripes = 4;

    private const long LongestStriped = 58_000;

    private static readonly long[] Lengths =
    [
        100, 250, 500,
        1_000, 2_000, 3_000, 4_000, 6_000, 8_000, 18_000, 28_000, 58_000,
        118_000, 298_000, 898_000, 3_598_000, 21_598_000, 86_398_000,
    ];

    /// <summary>All steps that there can be.</summary>
    public static IEnumerable<DelayStep> Steps => Lengths.SelectMany(length => Enumerable.Range(0, StripesOf(length)).Select(stripe => new DelayStep(length, stripe)));

    /// <summary>The next step of a delay; <see langword="null"/> when it is to be held in memory.</summary>
    /// <param name="left">What is left of it, in milliseconds.</param>
    /// <param name="seed">Any number that differs from message to message.</param>
    /// <param name="isFull">Whether there is no memory left to hold it in.</param>
    public static DelayStep? Next(long left, int seed, bool isFull = false)
    {
        var (held, spare) = isFull ? (HeldWhenFull, 0) : (Held, Spare);
        if (left <= held)
            return null;
        var length = Lengths[0];
        foreach (var longer in Lengths)
        {
            if (longer + spare <= left)
                length = longer;
        }
        return new DelayStep(length, (int)((uint)seed % (uint)StripesOf(length)));
    }

    /// <summary>How long a message stays away, in whole milliseconds: never less.</summary>
    public static long MillisecondsOf(TimeSpan delay) => delay <= TimeSpan.Zero ? 0 : (delay.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;

    private static int StripesOf(long length) => length <= LongestStriped ? Stripes : 1;
}
