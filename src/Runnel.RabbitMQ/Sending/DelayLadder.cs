namespace Runnel.RabbitMQ.Sending;

/// <summary>How a delay of any length is made of fixed ones: the broker's queues let only their first message go, so each of them has one delay for all.</summary>
/// <remarks>
/// A message goes from one step to the next, each time the longest that fits; the last moment it is held in a process's memory, unsettled. Nobody's clock matters: what is
/// left travels with the message.
/// </remarks>
internal static class DelayLadder
{
    /// <summary>What is held in memory rather than in a queue, in milliseconds.</summary>
    public const long Held = 150;

    /// <summary>How many queues alike each short step has: the broker lets only so many messages of one queue go at a time.</summary>
    public const int Stripes = 4;

    private const long LongestStriped = 10_000;

    private static readonly long[] Lengths =
    [
        100, 250, 500,
        1_000, 2_000, 5_000, 10_000, 30_000,
        60_000, 120_000, 300_000, 900_000,
        3_600_000, 21_600_000, 86_400_000,
    ];

    /// <summary>All steps that there can be.</summary>
    public static IEnumerable<DelayStep> Steps => Lengths.SelectMany(length => Enumerable.Range(0, StripesOf(length)).Select(stripe => new DelayStep(length, stripe)));

    /// <summary>The next step of a delay; <see langword="null"/> when it is to be held in memory.</summary>
    /// <param name="left">What is left of it, in milliseconds.</param>
    /// <param name="seed">Any number that differs from message to message.</param>
    public static DelayStep? Next(long left, int seed)
    {
        if (left <= Held)
            return null;
        var length = Lengths[0];
        foreach (var longer in Lengths)
        {
            if (longer <= left)
                length = longer;
        }
        return new DelayStep(length, (int)((uint)seed % (uint)StripesOf(length)));
    }

    /// <summary>How long a message stays away, in whole milliseconds: never less.</summary>
    public static long MillisecondsOf(TimeSpan delay) => delay <= TimeSpan.Zero ? 0 : (delay.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;

    private static int StripesOf(long length) => length <= LongestStriped ? Stripes : 1;
}
