using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>What a number of messages cost: time, the process's CPU time in user and system mode, and garbage.</summary>
internal readonly record struct Cost(double PerSecond, double CpuMicroseconds, double Garbage)
{
    /// <summary>Does something about a number of messages, and says what each of them cost.</summary>
    public static async Task<Cost> OfAsync(int messages, Func<Task> act)
    {
        GC.Collect();
        var (cpu, garbage, began) = (Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
        await act();
        var took = Stopwatch.GetElapsedTime(began);
        return new Cost(
            messages / took.TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / messages,
            (double)(GC.GetTotalAllocatedBytes() - garbage) / messages);
    }
}
