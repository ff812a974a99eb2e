namespace Runnel.Bench;

/// <summary>What a server process has used since it started.</summary>
internal sealed record ServerFigures(double CpuMicroseconds, long AllocatedBytes)
{
    public static ServerFigures Now() =>
        // The precise count: threads' unfinished allocation contexts would be whole kilobytes of error.
        new(Environment.CpuUsage.TotalTime.TotalMicroseconds, GC.GetTotalAllocatedBytes(precise: true));

    public static ServerFigures operator -(ServerFigures after, ServerFigures before) =>
        new(after.CpuMicroseconds - before.CpuMicroseconds, after.AllocatedBytes - before.AllocatedBytes);
}
