using Runnel.Cli.Load;

namespace Runnel.Bench;

/// <summary>Takes down how late messages come. Thread-safe.</summary>
internal sealed class LatenessRecorder
{
    private readonly LatencyHistogram _late = new();
    private int _early;

    public void Record(TimeSpan lateness)
    {
        _late.Record(lateness);
        if (lateness < TimeSpan.Zero)
            Interlocked.Increment(ref _early);
    }

    public Lateness Result
    {
        get
        {
            var late = _late.Figures();
            return new(late.P50, late.P99, late.Max, Volatile.Read(ref _early));
        }
    }
}
