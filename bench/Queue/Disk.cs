using System.Diagnostics;
using Runnel.Cli.Load;

namespace Runnel.Bench;

/// <summary>How long the disk takes to confirm.</summary>
internal static class Disk
{
    private const int Writes = 200;

    /// <summary>Appends 4 KiB and has it confirmed, over and over.</summary>
    public static (double P50, double P99) MeasureFsync(string path)
    {
        var times = new LatencyHistogram();
        var block = new byte[4096];
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, options: FileOptions.DeleteOnClose);
        for (var i = 0; i < Writes; i++)
        {
            var began = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, block, (long)i * block.Length);
            RandomAccess.FlushToDisk(file);
            times.Record(Stopwatch.GetElapsedTime(began));
        }
        var figures = times.Figures();
        return (figures.P50, figures.P99);
    }
}
