using System.Diagnostics;
using Runnel.Cli.Load;

namespace Runnel.Bench;

/// <summary>What has been received: written by the one reading thread, waited for by another.</summary>
internal sealed class Deliveries
{
    private LatencyHistogram _latency = new();
    private long _count;
    private long _wanted = long.MaxValue;
    private TaskCompletionSource _reached = new();

    public LatencyHistogram Latency => _latency;

    public long Count => Volatile.Read(ref _count);

    /// <summary>Forgets everything. Nothing may be on its way.</summary>
    public void Begin(long wanted)
    {
        _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _latency = new LatencyHistogram();
        Volatile.Write(ref _count, 0);
        Volatile.Write(ref _wanted, wanted);
    }

    public void Note(long sent, long now)
    {
        _latency.Record(Stopwatch.GetElapsedTime(sent, now));
        Volatile.Write(ref _count, _count + 1);
        if (_count == Volatile.Read(ref _wanted))
            _reached.SetResult();
    }

    /// <summary>Waits until as many have come as were wanted, or the time is over: the count tells which.</summary>
    public async Task WaitAsync(TimeSpan atMost)
    {
        using var patience = new CancellationTokenSource(atMost, TimeProvider.System);
        await Task.WhenAny(_reached.Task, Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, patience.Token));
    }
}
