using System.Globalization;

namespace Runnel.Bench;

/// <summary>What several rounds gave: the median, and between what it lay.</summary>
internal readonly record struct Spread(double Median, double Lowest, double Highest)
{
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }

    public string ToString(string format) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Median.ToString(format, CultureInfo.InvariantCulture)} ({Lowest.ToString(format, CultureInfo.InvariantCulture)}–{Highest.ToString(format, CultureInfo.InvariantCulture)})");
}
