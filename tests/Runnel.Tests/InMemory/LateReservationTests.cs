using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.InMemory;

/// <summary>Two who reserve a name at nearly the same time, and the entry of the one that does not get it.</summary>
public sealed class LateReservationTests
{
    private const string Name = "dedup.payments.42";

    private readonly ManualClock _clock = new();
    private readonly InMemoryBackplane _backplane;

    public LateReservationTests() => _backplane = new(_clock.TimeProvider);

    [Fact]
    public async Task A_marked_name_stays_taken_to_the_end_of_its_window_although_another_one_reserved_it_too_late()
    {
        var (lapse, window) = (_clock.Units(10), _clock.Units(100));
        var winner = new HistoryStateStore(_backplane, _clock.TimeProvider);
        Reservation? won = null;
        var loser = new HistoryStateStore(
            new SlowBackplane(_backplane)
            {
                // It has read that the name is free.
                BeforeFirst = async () =>
                {
                    won = await winner.ReserveAsync(Name, lapse, window);
                    await _clock.AdvanceAsync(5);
                },
                AfterFirst = async () => await winner.MarkAsync(won!),
            }, _clock.TimeProvider);
        Assert.Null(await loser.ReserveAsync(Name, lapse, window));
        Assert.NotNull(won);

        await _clock.AdvanceAsync(98); // the winner's reservation has left the history, and the other's has not

        Assert.True(await winner.IsMarkedAsync(Name));
        Assert.Null(await winner.ReserveAsync(Name, lapse, window));
    }

    /// <summary>Does something before the first publication, and something after it.</summary>
    private sealed class SlowBackplane(IBackplane inner) : DelegatingBackplane(inner)
    {
        private bool _hasPublished;

        public required Func<Task> BeforeFirst { get; init; }

        public required Func<Task> AfterFirst { get; init; }

        public override async ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
        {
            var isFirst = !_hasPublished;
            _hasPublished = true;
            if (isFirst)
                await BeforeFirst();
            var position = await base.PublishAsync(topic, payload, retention, cancellationToken);
            if (isFirst)
                await AfterFirst();
            return position;
        }
    }
}
