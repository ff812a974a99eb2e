using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>Publishes so many messages a second, whether or not those before have gone out: users do not wait for one another.</summary>
/// <remarks>
/// A message that is published late, because the target's own call took too long, carries the instant at which it was due, so that a
/// stall cannot be hidden. What cannot keep up ends the run: neither the lag nor what is on its way grows without bound.
/// </remarks>
internal sealed class OpenLoop(Func<string, Task> publish)
{
    private const int MostUnderWay = 20_000;
    private static readonly TimeSpan LongestLag = TimeSpan.FromSeconds(5);

    private int _underWay;
    private long _failed;

    /// <returns>How many could not be published.</returns>
    public async Task<long> PublishAsync(int messages, int perSecond)
    {
        // A thread of its own: its sleep is a system call.
        await Task.Factory.StartNew(() => Publish(messages, perSecond), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (var began = Stopwatch.GetTimestamp(); Volatile.Read(ref _underWay) > 0 && Stopwatch.GetElapsedTime(began) < Pace.LongestDelay;)
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
        return Interlocked.Read(ref _failed) + Volatile.Read(ref _underWay);
    }

    private void Publish(int messages, int perSecond)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < messages; i++)
        {
            var due = start + (i * Stopwatch.Frequency / perSecond);
            var now = Stopwatch.GetTimestamp();
            var isEarly = now < due;
            if (isEarly)
                PreciseClock.SleepUntil(due);
            else if (Stopwatch.GetElapsedTime(due, now) > LongestLag)
                throw new BenchException($"The publisher is more than {LongestLag.TotalSeconds} s behind {perSecond} messages a second.");
            if (Volatile.Read(ref _underWay) >= MostUnderWay)
                throw new BenchException($"{MostUnderWay} messages wait to be published at {perSecond} a second.");
            Follow(publish(BenchMessage.Create(isEarly ? Stopwatch.GetTimestamp() : due)));
        }
    }

    private void Follow(Task publishing)
    {
        if (publishing.IsCompletedSuccessfully)
            return;
        Interlocked.Increment(ref _underWay);
        publishing.ContinueWith(
            finished =>
            {
                if (!finished.IsCompletedSuccessfully)
                    Interlocked.Increment(ref _failed);
                Interlocked.Decrement(ref _underWay);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
