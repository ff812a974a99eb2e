using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>Publishes on a fixed schedule, from inside the server.</summary>
/// <remarks>
/// Every message of a burst carries the instant at which the burst began, so that the time a message waits behind its siblings counts.
/// A burst that is late because the one before took too long carries the instant at which it was due: a target cannot hide
/// a stall by publishing later. Nothing waits for a delivery, except what the target's own call waits for.
/// </remarks>
internal static class Publisher
{
    public static async Task PublishAsync(IFanoutTarget target, int ticks, int burst, TimeSpan interval)
    {
        var start = Stopwatch.GetTimestamp();
        for (var tick = 0; tick < ticks; tick++)
        {
            var due = start + (tick * interval.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond);
            var early = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (early > TimeSpan.Zero)
                await Task.Delay(early, TimeProvider.System, CancellationToken.None);

            var stamp = early > TimeSpan.Zero ? Stopwatch.GetTimestamp() : due;
            for (var i = 0; i < burst; i++)
                await target.PublishAsync(BenchMessage.Create(stamp));
        }
    }
}
