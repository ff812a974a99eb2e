using Runnel.RabbitMQ.Receiving;
using Runnel.RabbitMQ.Sending;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class SenderClocksTests
{
    private const long Second = 1_000_000;
    private const long Doubt = 3_000;

    private readonly SenderClocks _clocks = new();

    [Fact]
    public void What_this_process_has_sent_is_late_by_what_its_own_clock_says() =>
        Assert.Equal(250, _clocks.LatenessOf(ProcessClock.Id, from: 1_000, now: 1_250));

    [Fact]
    public void A_sender_of_whom_nothing_is_known_sends_nothing_late() =>
        Assert.Equal(0, _clocks.LatenessOf("sender", from: 0, now: 3_600 * Second));

    [Theory]
    [InlineData(-3_600)]
    [InlineData(0)]
    [InlineData(3_600)]
    public void A_message_is_late_by_what_it_took_longer_than_the_soonest_whatever_its_senders_clock_says(long wrongBy)
    {
        _clocks.LatenessOf("sender", from: wrongBy * Second, now: 2_000);

        Assert.Equal(40_000 - Doubt, _clocks.LatenessOf("sender", (wrongBy + 1) * Second, now: Second + 42_000));
    }

    [Fact]
    public void No_message_counts_as_later_than_it_is()
    {
        var random = new Random(3);
        for (var sender = 0; sender < 20; sender++)
        {
            var (by, wrongBy) = ($"sender {sender}", random.NextInt64(-1_000 * Second, 1_000 * Second));
            for (var (sent, number) = (0L, 0); number < 1_000; sent += random.NextInt64(2 * Second), number++)
            {
                var late = random.NextInt64(Second);
                Assert.InRange(_clocks.LatenessOf(by, sent + wrongBy, now: sent + late), 0, late);
            }
        }
    }

    [Fact]
    public void A_sender_whose_clock_stood_still_is_believed_again_after_a_minute()
    {
        const long Stood = 10 * Second;
        for (var at = 0L; at < 60 * Second; at += Second)
            _clocks.LatenessOf("sender", from: at, now: at);
        for (var at = 60 * Second; at <= 125 * Second; at += Second)
            _clocks.LatenessOf("sender", at - Stood, now: at);

        Assert.Equal(0, _clocks.LatenessOf("sender", (126 * Second) - Stood, now: 126 * Second));
    }

    [Fact]
    public void What_came_soonest_half_a_minute_ago_still_counts()
    {
        _clocks.LatenessOf("sender", from: 0, now: 0);

        Assert.Equal(40_000 - Doubt, _clocks.LatenessOf("sender", from: 31 * Second, now: (31 * Second) + 40_000));
    }

    [Fact]
    public void A_sender_that_was_silent_for_long_is_a_new_one()
    {
        _clocks.LatenessOf("sender", from: 0, now: 0);

        Assert.Equal(0, _clocks.LatenessOf("sender", from: 100 * Second, now: 101 * Second));
    }
}
