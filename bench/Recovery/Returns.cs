using System.Diagnostics;
using Runnel.Cli.Load;

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

    public ReturnFigures Figures()
    {
        var (attached, caughtUp) = (_attached.Figures(), _caughtUp.Figures());
        return new(Attached, CaughtUp, attached.P50, attached.Max, caughtUp.P50, caughtUp.P99, caughtUp.Max);
    }

    private TimeSpan Since(long connected) => Stopwatch.GetElapsedTime(Began > 0 ? Began : connected);
}
