using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Runnel.Bench;

/// <summary>Sleeps until a moment of the monotonic clock, some tens of microseconds precisely. .NET's own timers know whole milliseconds, in which several messages are due.</summary>
internal static partial class PreciseClock
{
    private const int Monotonic = 1;
    private const int Absolute = 1;

    /// <param name="timestamp">As <see cref="Stopwatch.GetTimestamp"/> counts, which on Linux is this same clock in nanoseconds.</param>
    public static void SleepUntil(long timestamp)
    {
        var (seconds, rest) = Math.DivRem(timestamp, Stopwatch.Frequency);
        var until = new Moment { Seconds = (nint)seconds, Nanoseconds = (nint)(rest * (1_000_000_000 / Stopwatch.Frequency)) };
        while (Sleep(Monotonic, Absolute, in until, 0) != 0)
        {
            // A signal came between.
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static partial int Sleep(int clock, int flags, in Moment until, nint remaining);

    [StructLayout(LayoutKind.Sequential)]
    private struct Moment
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
