using Runnel.RabbitMQ.Sending;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class DelayLadderTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(3_000, 0)]
    [InlineData(3_001, 1_000)]
    [InlineData(5_000, 3_000)]
    [InlineData(60_000, 58_000)]
    [InlineData(86_400_000, 86_398_000)]
    [InlineData(30L * 86_400_000, 86_398_000)]
    public void A_delay_takes_the_longest_step_that_leaves_two_seconds_and_its_last_three_none(long left, long step) =>
        Assert.Equal(step, DelayLadder.Next(left, seed: 7)?.Milliseconds ?? 0);

    [Theory]
    [InlineData(150, 0)]
    [InlineData(151, 100)]
    [InlineData(499, 250)]
    [InlineData(3_000, 3_000)]
    public void Where_memory_is_short_all_but_the_last_moment_of_a_delay_is_spent_on_steps(long left, long step) =>
        Assert.Equal(step, DelayLadder.Next(left, seed: 7, isFull: true)?.Milliseconds ?? 0);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Any_delay_ends_after_few_steps_and_with_no_step_that_is_longer_than_what_is_left(bool isFull)
    {
        var random = new Random(1);
        foreach (var delay in Enumerable.Range(0, 1_000).Select(_ => (long)Math.Pow(10, random.NextDouble() * 8)))
        {
            var (left, steps) = (delay, 0);
            for (; DelayLadder.Next(left, steps, isFull) is { } step; steps++)
                left -= step.Milliseconds;

            Assert.InRange(left, 0, isFull ? DelayLadder.HeldWhenFull : DelayLadder.Held);
            Assert.InRange(steps, 0, 30);
        }
    }

    [Fact]
    public void There_are_at_most_64_steps_and_each_that_is_taken_is_one_of_them()
    {
        var all = DelayLadder.Steps.ToHashSet();
        var random = new Random(2);

        Assert.InRange(all.Count, 1, 64);
        Assert.All(Enumerable.Range(0, 1_000), seed => Assert.Contains(DelayLadder.Next(random.NextInt64(200, 100_000_000), seed - 500)!.Value, all));
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(TimeSpan.TicksPerMillisecond, 1)]
    [InlineData(TimeSpan.TicksPerMillisecond + 1, 2)]
    public void A_part_of_a_millisecond_is_a_whole_one_so_that_no_delay_is_early(long ticks, long milliseconds) =>
        Assert.Equal(milliseconds, DelayLadder.MillisecondsOf(TimeSpan.FromTicks(ticks)));
}
