using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>What a number of messages cost: time, the process's CPU time in user and system mode, garbage, and, if that is known, the CPU time of the store's server.</summary>
internal readonly record struct Cost(double PerSecond, double CpuMicroseconds, double Garbage, double ServerMicroseconds = 0)
{
    /// <summary>Does something about a number of messages, and says what each of them cost.</summary>
    public static async Task<Cost> OfAsync(int messages, QueueStore store, Func<Task> act)
    {
        GC.Collect();
        var server = await store.ServerCpuTimeAsync(CancellationToken.None);
        var garbage = GC.GetTotalAllocatedBytes(precise: true); // asking costs something itself
        var (cpu, began) = (Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        await act();
        var (used, took) = (Environment.CpuUsage.TotalTime - cpu, Stopwatch.GetElapsedTime(began));
        garbage = GC.GetTotalAllocatedBytes(precise: true) - garbage;
        return new Cost(
            messages / took.TotalSeconds,
            used.TotalMicroseconds / messages,
            (double)garbage / messages,
            (await store.ServerCpuTimeAsync(CancellationToken.None) - server).TotalMicroseconds / messages);
    }
}
