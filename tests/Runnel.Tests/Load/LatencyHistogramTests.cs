using Runnel.Cli.Load;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Load;

public sealed class LatencyHistogramTests
{
    private const double BucketWidth = 1.016;

    private readonly LatencyHistogram _latencies = new();

    [Fact]
    public void Percentiles_are_at_most_a_bucket_above_the_true_ones_and_never_below()
    {
        for (var i = 1; i <= 1000; i++)
            _latencies.Record(TimeSpan.FromMilliseconds(i));

        var figures = _latencies.Figures();

        Assert.Equal(1000, figures.Count);
        Assert.InRange(figures.P50, 500, 500 * BucketWidth);
        Assert.InRange(figures.P90, 900, 900 * BucketWidth);
        Assert.InRange(figures.P99, 990, 990 * BucketWidth);
        Assert.InRange(figures.P999, 999, 1000);
        Assert.Equal(1000, figures.Max);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(1_234_567)]
    [InlineData(864_000_000_000)]
    public void A_single_duration_is_every_percentile_exactly(long ticks)
    {
        _latencies.Record(TimeSpan.FromTicks(ticks));

        var figures = _latencies.Figures();

        var expected = Math.Round(TimeSpan.FromTicks(ticks).TotalMilliseconds, 3);
        Assert.Equal(new LatencyFigures(1, expected, expected, expected, expected, expected), figures);
    }

    [Fact]
    public void A_duration_below_zero_counts_as_zero()
    {
        _latencies.Record(TimeSpan.FromMilliseconds(-5));
        _latencies.Record(TimeSpan.FromMilliseconds(10));

        Assert.Equal((0, 10), (_latencies.Figures().P50, _latencies.Figures().Max));
    }

    [Fact]
    public void Nothing_measured_is_no_figure()
    {
        Assert.Equal(LatencyFigures.None, _latencies.Figures());
    }

    [Fact]
    public async Task A_message_that_goes_out_late_counts_from_when_it_was_due()
    {
        var clock = new ManualTimeProvider();
        var pace = new Pace(10, TimeSpan.FromSeconds(10), clock);
        var start = clock.GetTimestamp();
        clock.Advance(TimeSpan.FromSeconds(1)); // the server stalls

        for (var i = 0; i < 10; i++)
            _latencies.Record(clock.GetElapsedTime(await pace.WaitAsync(i, CancellationToken.None)));

        Assert.Equal(TimeSpan.FromMilliseconds(300), clock.GetElapsedTime(start, await pace.WaitAsync(3, CancellationToken.None)));
        Assert.Equal((1000, 10), (_latencies.Figures().Max, _latencies.Figures().Count));
        Assert.InRange(_latencies.Figures().P50, 500, 500 * BucketWidth);
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(2, 102)] // the timer's grain does not count
    [InlineData(50, 100)] // but a sender that could not run does
    public async Task A_message_that_is_early_waits_until_it_is_due(int late, int countsFrom)
    {
        var clock = new ManualTimeProvider();
        var pace = new Pace(10, TimeSpan.FromSeconds(10), new LateTimers(clock, TimeSpan.FromMilliseconds(late)));
        var start = clock.GetTimestamp();

        var waiting = pace.WaitAsync(1, CancellationToken.None).AsTask();
        clock.Advance(TimeSpan.FromMilliseconds(99));
        var wasWaiting = !waiting.IsCompleted;
        clock.Advance(TimeSpan.FromMilliseconds(100));

        Assert.True(wasWaiting);
        Assert.Equal(TimeSpan.FromMilliseconds(countsFrom), clock.GetElapsedTime(start, await Wait.For(waiting, "the message to be due")));
    }

    /// <summary>Timers that are late, as those of a busy machine are.</summary>
    private sealed class LateTimers(ManualTimeProvider clock, TimeSpan late) : TimeProvider
    {
        public override long TimestampFrequency => clock.TimestampFrequency;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => clock.CreateTimer(callback, state, dueTime + late, period);
    }
}
