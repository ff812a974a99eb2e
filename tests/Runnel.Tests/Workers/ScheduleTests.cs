using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Workers;
using Runnel.Workers.Recurring;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>When something is due: cron, intervals, retries.</summary>
public sealed class ScheduleTests
{
    [Theory]
    [InlineData("2026-01-01T00:00:59.999Z", "2026-01-01T00:00:00Z")]
    [InlineData("2026-01-01T00:07:00.000Z", "2026-01-01T00:07:00Z")]
    [InlineData("2126-03-04T05:06:07.000Z", "2126-03-04T05:06:00Z")]
    public void The_latest_tick_of_many_is_found_without_counting_them(string time, string latest)
    {
        ISchedule every = new IntervalSchedule(TimeSpan.FromMinutes(1));
        ISchedule cron = new CronSchedule("* * * * *");

        var first = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        Assert.Equal(DateTimeOffset.Parse(latest, null), every.LatestUntil(DateTimeOffset.Parse(time, null), first));
        Assert.Equal(DateTimeOffset.Parse(latest, null), cron.LatestUntil(DateTimeOffset.Parse(time, null), first));
    }

    [Fact]
    public void The_latest_tick_of_a_rare_schedule_is_found_too()
    {
        ISchedule cron = new CronSchedule("*/10 2 1 * *");

        var latest = cron.LatestUntil(new DateTimeOffset(2026, 12, 24, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2026, 1, 1, 2, 0, 0, TimeSpan.Zero));

        Assert.Equal(new DateTimeOffset(2026, 12, 1, 2, 50, 0, TimeSpan.Zero), latest);
    }

    [Theory]
    [InlineData("* * * * *", "2026-01-01T00:00", "2026-01-01T00:01")]
    [InlineData("*/15 * * * *", "2026-01-01T00:46", "2026-01-01T01:00")]
    [InlineData("5/20 * * * *", "2026-01-01T00:26", "2026-01-01T00:45")]
    [InlineData("0 9-17 * * *", "2026-01-01T17:00", "2026-01-02T09:00")]
    [InlineData("30 9 * * *", "2026-01-01T08:44", "2026-01-01T09:30")]
    [InlineData("0 0-23/6 * * *", "2026-01-01T12:30", "2026-01-01T18:00")]
    [InlineData("30 4 1,15 * *", "2026-01-01T04:30", "2026-01-15T04:30")]
    [InlineData("0 0 1 jan *", "2026-01-01T00:00", "2027-01-01T00:00")]
    [InlineData("0 0 * JUN-AUG *", "2026-03-05T10:00", "2026-06-01T00:00")]
    [InlineData("0 0 * * MON-FRI", "2026-01-02T00:00", "2026-01-05T00:00")]
    [InlineData("0 0 * * 0", "2026-01-01T00:00", "2026-01-04T00:00")]
    [InlineData("0 0 * * 7", "2026-01-01T00:00", "2026-01-04T00:00")]
    [InlineData("0 0 * * sun", "2026-01-01T00:00", "2026-01-04T00:00")]
    [InlineData("0 0 13 * FRI", "2026-01-01T00:00", "2026-01-02T00:00")] // both days restricted: either fits
    [InlineData("0 0 13 * FRI", "2026-01-09T00:00", "2026-01-13T00:00")]
    [InlineData("0 0 */2 * MON", "2026-01-01T00:00", "2026-01-05T00:00")] // a star with a step restricts nothing of that rule
    [InlineData("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00")]
    [InlineData("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00")] // 2100 has no leap day
    [InlineData("0 0 31 * *", "2026-01-31T00:00", "2026-03-31T00:00")]
    [InlineData("59 23 31 12 *", "2026-12-31T23:59", "2027-12-31T23:59")]
    [InlineData(" 0\t0  1 * * ", "2026-01-01T00:00", "2026-02-01T00:00")]
    public void A_cron_expression_says_when_the_next_tick_is(string expression, string after, string expected)
    {
        Assert.Equal(Utc(expected), new CronSchedule(expression).NextAfter(Utc(after)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("* * * *")]
    [InlineData("* * * * * *")]
    [InlineData("60 * * * *")]
    [InlineData("* 24 * * *")]
    [InlineData("* * 0 * *")]
    [InlineData("* * * 13 *")]
    [InlineData("* * * * 8")]
    [InlineData("*/0 * * * *")]
    [InlineData("*/-5 * * * *")]
    [InlineData("5-1 * * * *")]
    [InlineData("1-2-3 * * * *")]
    [InlineData("a * * * *")]
    [InlineData("1,,2 * * * *")]
    [InlineData("-1 * * * *")]
    [InlineData("* * * * MONDAY")]
    [InlineData("JAN * * * *")]
    [InlineData("0 0 31 2 *")] // a day that never comes
    public void What_is_no_cron_expression_is_refused_with_a_sentence(string expression)
    {
        var refused = Assert.Throws<FormatException>(() => new CronSchedule(expression));

        Assert.StartsWith($"'{expression}' is not a cron expression: ", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interval_has_the_same_ticks_on_every_node()
    {
        var schedule = new IntervalSchedule(TimeSpan.FromMinutes(5));

        Assert.Equal(Utc("2026-01-01T00:05"), schedule.NextAfter(Utc("2026-01-01T00:00")));
        Assert.Equal(Utc("2026-01-01T00:05"), schedule.NextAfter(Utc("2026-01-01T00:04")));
        Assert.Throws<ArgumentOutOfRangeException>(() => new IntervalSchedule(TimeSpan.FromMilliseconds(99)));
    }

    [Theory]
    [InlineData(3600, 30)]
    [InlineData(60, 30)]
    [InlineData(10, 5)]
    [InlineData(1.5, 1)]
    [InlineData(0.4, 0.4)]
    public void The_clock_is_looked_at_more_often_the_nearer_a_tick_is(double secondsLeft, double rests) =>
        Assert.Equal(TimeSpan.FromSeconds(rests), RecurringRest.Before(TimeSpan.FromSeconds(secondsLeft)));

    [Theory]
    [InlineData("")]
    [InlineData("no spaces")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890")]
    [InlineData("taken")]
    public void A_name_that_is_none_or_taken_is_refused(string name)
    {
        var runnel = new ServiceCollection().AddRunnelCore().AddRecurring("taken", "* * * * *", "ticks", 1);

        Assert.Throws<ArgumentException>(() => runnel.AddRecurring(name, TimeSpan.FromSeconds(1), "ticks", 1));
    }

    [Fact]
    public void A_message_rests_for_a_random_time_below_a_bound_that_doubles_up_to_the_longest()
    {
        var random = new Random(17);
        for (var round = 0; round < 2000; round++)
        {
            var policy = new RetryPolicy { BaseDelay = TimeSpan.FromMilliseconds(random.Next(0, 10_000)), MaxDelay = TimeSpan.FromMilliseconds(random.NextInt64(0, 3_600_000_000)) };
            var failures = random.Next(1, 65_536);
            var jitter = random.NextDouble();

            var bound = Math.Min(policy.MaxDelay.TotalMilliseconds, policy.BaseDelay.TotalMilliseconds * Math.Pow(2, failures - 1));
            var delay = policy.DelayAfter(failures, jitter);

            Assert.InRange(delay.TotalMilliseconds, 0, Math.Max(0, bound));
            Assert.Equal(bound * jitter, delay.TotalMilliseconds, tolerance: 1);
        }
    }

    [Theory]
    [InlineData(1, 1.0, 2)]
    [InlineData(2, 1.0, 4)]
    [InlineData(3, 1.0, 8)]
    [InlineData(3, 0.5, 4)]
    [InlineData(3, 0.0, 0)]
    [InlineData(11, 1.0, 2048)]
    [InlineData(12, 1.0, 3600)]
    [InlineData(1000, 1.0, 3600)]
    public void A_message_rests_for_up_to_twice_as_long_after_each_failure_and_for_an_hour_at_most(int failures, double jitter, double seconds)
    {
        var rests = new RetryPolicy().DelayAfter(failures, jitter);

        Assert.Equal(TimeSpan.FromSeconds(seconds), rests);
    }

    private static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
