using Runnel.Cli.Load;
using Xunit;

namespace Runnel.Tests.Load;

public sealed class SequenceTests
{
    private readonly Sequence _sequence = new();

    [Fact]
    public void What_comes_in_order_leaves_no_hole()
    {
        Arrival[] arrivals = [_sequence.Take(1), _sequence.Take(2), _sequence.Take(3)];

        Assert.Equal([Arrival.InTurn, Arrival.InTurn, Arrival.InTurn], arrivals);
        Assert.Empty(_sequence.MissingUpTo(3).Holes);
    }

    [Fact]
    public void What_did_not_come_is_a_hole_before_between_and_behind()
    {
        _sequence.Take(3);
        _sequence.Take(6);

        Assert.Equal([new Hole(1, 2, false), new Hole(4, 5, false), new Hole(7, 9, false)], _sequence.MissingUpTo(9).Holes);
    }

    [Fact]
    public void A_late_number_fills_its_hole_and_comes_again_the_second_time()
    {
        _sequence.Take(1);
        _sequence.Take(6);

        Arrival[] arrivals = [_sequence.Take(4), _sequence.Take(4), _sequence.Take(1), _sequence.Take(6)];

        Assert.Equal([Arrival.Late, Arrival.Again, Arrival.Again, Arrival.Again], arrivals);
        Assert.Equal([new Hole(2, 3, false), new Hole(5, 5, false)], _sequence.MissingUpTo(6).Holes);
    }

    [Fact]
    public void What_was_sent_before_the_client_was_told_is_told_and_what_is_missing_later_is_not()
    {
        _sequence.Take(1);
        _sequence.Tell(upTo: 3);
        _sequence.Take(6);
        _sequence.Tell(upTo: 8);

        Assert.Equal([new Hole(2, 3, true), new Hole(4, 5, false), new Hole(7, 8, true), new Hole(9, 9, false)], _sequence.MissingUpTo(9).Holes);
        Assert.Equal(8, _sequence.KnownUpTo);
    }

    [Fact]
    public void A_client_that_was_told_and_missed_nothing_lacks_nothing()
    {
        _sequence.Take(1);
        _sequence.Tell(upTo: 1);
        _sequence.Take(2);

        Assert.Empty(_sequence.MissingUpTo(2).Holes);
    }

    [Fact]
    public void More_holes_than_are_remembered_are_counted()
    {
        var last = 3 * (Sequence.MostHoles + 10);
        for (var number = 3; number <= last; number += 3)
        {
            _sequence.Take(number);
            if (number == 12)
                _sequence.Tell(upTo: 14);
        }

        var (holes, silent, told) = _sequence.MissingUpTo(last);

        Assert.Equal((Sequence.MostHoles, 18, 2), (holes.Count, silent, told)); // two numbers in each of ten holes, one of which is told
    }
}
