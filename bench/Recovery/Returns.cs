using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>How long clients took to come back: until they had joined, and until they had everything.</summary>
internal sealed class Returns
{
    private readonly LatencyHistogram _attached = new();
    private readonly LatencyHistogram _caughtUp = new();

    /// <summary>When it began for all of them; 0: for each when it connects.</summary>
    public long Began { get; init; }

    public int Attached { get; private set; }

    public int CaughtUp { get; private set; }

    public void Attach(long connected)
    {
        Attached++;
        _attached.Record(Since(connected));
    }

    public void CatchUp(long connected)
    {
        CaughtUp++;
        _caughtUp.Record(Since(connected));
    }

    public ReturnFigures Figures() => new(
        Attached,
        CaughtUp,
        _attached.PercentileInMilliseconds(50),
        _attached.PercentileInMilliseconds(100),
        _caughtUp.PercentileInMilliseconds(50),
        _caughtUp.PercentileInMilliseconds(99),
        _caughtUp.PercentileInMilliseconds(100));

    private long Since(long connected) => (Stopwatch.GetTimestamp() - (Began > 0 ? Began : connected)) * (1_000_000_000 / Stopwatch.Frequency);
}
