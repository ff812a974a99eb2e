using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Runnel.Bench;

/// <summary>Stops a process and lets it go on, as a debugger or a machine that stalls would.</summary>
internal static partial class Signals
{
    private const int Continue = 18, Stop = 19;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Stops it; from then on it does nothing at all.</summary>
    public static async Task StopAsync(int processId, CancellationToken cancellationToken)
    {
        Send(processId, Stop);
        for (var began = Stopwatch.GetTimestamp(); !IsStopped(processId);)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new BenchException($"Process {processId} was told to stop and did not within {Patience}.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken);
        }
    }

    public static void GoOn(int processId) => Send(processId, Continue);

    // Every thread: the state of the process is that of its first one only.
    private static bool IsStopped(int processId) =>
        Directory.EnumerateDirectories($"/proc/{processId}/task").All(thread => File.ReadAllText($"{thread}/stat") is var stat && stat[stat.LastIndexOf(')') + 2] == 'T');

    private static void Send(int processId, int signal)
    {
        if (Kill(processId, signal) != 0)
            throw new BenchException($"Process {processId} could not be sent signal {signal}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
