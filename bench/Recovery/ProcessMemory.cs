using System.Globalization;

namespace Runnel.Bench;

/// <summary>What the system says of another process's memory.</summary>
internal static class ProcessMemory
{
    private const string ForgetPeak = "5";

    /// <summary>From here on, the peak is a new one.</summary>
    public static void BeginPeak(int processId) => File.WriteAllText($"/proc/{processId}/clear_refs", ForgetPeak);

    /// <summary>The most bytes that were resident since <see cref="BeginPeak"/>.</summary>
    public static long Peak(int processId) => Read(processId, "VmHWM:");

    /// <summary>The bytes that are resident now.</summary>
    public static long Resident(int processId) => Read(processId, "VmRSS:");

    private static long Read(int processId, string name)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
    }
}
