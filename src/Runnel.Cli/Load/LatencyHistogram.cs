using System.Numerics;

namespace Runnel.Cli.Load;

/// <summary>Counts durations in buckets of at most 1.6 % width, from any thread, without an allocation or a lock. See docs/adr/0013.</summary>
internal sealed class LatencyHistogram
{
    // Each power of two is cut into 64.
    private const int CutBits = 6;
    private const int Cuts = 1 << CutBits;

    private readonly long[] _counts = new long[(64 - CutBits) * Cuts];
    private long _longest;

    /// <summary>Counts a duration; one below zero counts as zero.</summary>
    public void Record(TimeSpan duration)
    {
        var nanoseconds = Math.Max(0, duration.Ticks * TimeSpan.NanosecondsPerTick);
        Interlocked.Increment(ref _counts[BucketOf(nanoseconds)]);
        for (var longest = Volatile.Read(ref _longest); nanoseconds > longest;)
            longest = Interlocked.CompareExchange(ref _longest, nanoseconds, longest) is var seen && seen == longest ? nanoseconds : seen;
    }

    /// <summary>What has been counted so far.</summary>
    public LatencyFigures Figures()
    {
        var counts = (long[])_counts.Clone(); // others go on counting
        var total = counts.Sum();
        if (total == 0)
            return LatencyFigures.None;
        return new LatencyFigures(total, At(50), At(90), At(99), At(99.9), Round(_longest / 1e6));

        double At(double percent) => Round(Math.Min(Percentile(counts, total, percent), _longest) / 1e6);
    }

    // The upper end of the bucket in which the percentile lies: no latency is shown shorter than it was.
    private static double Percentile(long[] counts, long total, double percent)
    {
        var wanted = (long)Math.Ceiling(total * percent / 100);
        var seen = 0L;
        var bucket = -1;
        while (seen < wanted)
            seen += counts[++bucket];
        return UpperEndOf(bucket);
    }

    private static int BucketOf(long value)
    {
        var shift = Math.Max(BitOperations.Log2((ulong)value | 1) - CutBits, 0);
        return (shift * Cuts) + (int)(value >> shift);
    }

    private static double UpperEndOf(int bucket)
    {
        var shift = Math.Max((bucket / Cuts) - 1, 0);
        return ((double)(bucket - (shift * Cuts) + 1) * (1L << shift)) - 1;
    }

    private static double Round(double milliseconds) => Math.Round(milliseconds, 3);
}
