using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>What a number of messages cost: time, the process's CPU time in user and system mode, and garbage.</summary>
internal readonly record struct Cost(double PerSecond, double CpuMicroseconds, double Garbage)
{
    /// <summary>Does something about a number of messages, and says what each of them cost.</summary>
    public static async Task<Cost> OfAsync(int messages, Func<Task> act)
    {
        GC.Collect();
        var garbage = GC.GetTotalAllocatedBytes(precise: true); // asking costs something itself
        var (cpu, began) = (Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        await act();
        var (used, took) = (Environment.CpuUsage.TotalTime - cpu, Stopwatch.GetElapsedTime(began));
        return new Cost(
            messages / took.TotalSeconds,
            used.TotalMicroseconds / messages,
            (double)(GC.GetTotalAllocatedBytes(precise: true) - garbage) / messages);
    }
}
