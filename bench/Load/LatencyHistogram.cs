using System.Numerics;

namespace Runnel.Bench;

/// <summary>Counts durations in buckets that are at most 1.6 % wide, without an allocation per value.</summary>
internal sealed class LatencyHistogram
{
    // Each power of two is cut into 64: wide enough for a day in nanoseconds, small enough to stay in the cache.
    private const int CutBits = 6;
    private const int Cuts = 1 << CutBits;

    private readonly long[] _counts = new long[(64 - CutBits) * Cuts];
    private long _total;

    public void Record(long nanoseconds)
    {
        _counts[BucketOf(Math.Max(nanoseconds, 0))]++;
        _total++;
    }

    public double PercentileInMilliseconds(double percent)
    {
        var wanted = (long)Math.Ceiling(_total * percent / 100);
        long seen = 0;
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= wanted)
                return LowestOf(bucket) / 1e6;
        }

        return double.NaN;
    }

    private static int BucketOf(long value)
    {
        var shift = Math.Max(BitOperations.Log2((ulong)value | 1) - CutBits, 0);
        return (shift * Cuts) + (int)(value >> shift);
    }

    private static double LowestOf(int bucket)
    {
        var shift = Math.Max((bucket / Cuts) - 1, 0);
        return (double)(bucket - (shift * Cuts)) * (1L << shift);
    }
}
