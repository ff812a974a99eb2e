using Runnel.InMemory.Channels;
using Runnel.InMemory.Stored;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.InMemory;

public sealed class AgendaTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly ChannelClock _clock;
    private readonly Agenda<string> _agenda;

    public AgendaTests()
    {
        _clock = new(_time);
        _agenda = new(_clock);
    }

    [Fact]
    public void What_fell_due_first_comes_first_and_what_fell_due_together_in_the_order_added()
    {
        Add(3, isOfDay: true, "fourth");
        Add(2, isOfDay: false, "second");
        Add(2, isOfDay: true, "third");
        Add(1, isOfDay: true, "first");
        Add(3, isOfDay: false, "fifth");
        Add(4, isOfDay: false, "later");

        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(["first", "second", "third", "fourth", "fifth"], TakeDue());
    }

    [Fact]
    public void Nothing_is_due_before_its_time()
    {
        Add(1, isOfDay: true, "of day");
        Add(1, isOfDay: false, "passing");

        _time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));

        Assert.Empty(TakeDue());
        Assert.Equal(_clock.Now + 1, _agenda.NextTime(_clock.Now));
    }

    [Fact]
    public void A_time_of_day_is_looked_for_every_ten_seconds_since_timers_do_not_notice_when_the_clock_is_set()
    {
        Add(3_600, isOfDay: true, "of day");
        Assert.Equal(_clock.Now + TimeSpan.FromSeconds(10).Ticks, _agenda.NextTime(_clock.Now));

        Add(5, isOfDay: false, "passing");
        Assert.Equal(_clock.Now + TimeSpan.FromSeconds(5).Ticks, _agenda.NextTime(_clock.Now));
    }

    private void Add(int seconds, bool isOfDay, string item) =>
        _agenda.Add(new Moment((isOfDay ? _clock.TimeOfDay : _clock.Now) + TimeSpan.FromSeconds(seconds).Ticks, isOfDay), item);

    private List<string> TakeDue()
    {
        List<string> taken = [];
        while (_agenda.TryTakeDue(_clock.Now, out var item))
            taken.Add(item);
        return taken;
    }
}
