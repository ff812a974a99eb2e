using System.Collections.Concurrent;
using System.Text;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>The promises of <see cref="IStateStore"/>, on every layer that can remember.</summary>
public abstract class StateStoreSpecification : IAsyncLifetime
{
    /// <summary>The time.</summary>
    protected abstract SpecificationClock Clock { get; }

    private TimeSpan Long => Clock.Units(1000);

    /// <summary>Opens the store of one more process; all of a test remember the same.</summary>
    protected abstract IStateStore Open();

    /// <inheritdoc/>
    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task The_latest_value_is_read_in_every_process()
    {
        var (one, two) = (Open(), Open());
        Assert.Null(await one.GetAsync("job.1"));

        await one.SetAsync("job.1", "queued"u8.ToArray(), Long);
        await two.SetAsync("job.1", "running"u8.ToArray(), Long);
        await one.SetAsync("job.2", "another"u8.ToArray(), Long);

        Assert.Equal("running", await ReadAsync(one, "job.1"));
        Assert.Equal("running", await ReadAsync(two, "job.1"));
    }

    [Fact]
    public async Task A_value_ends_with_its_time()
    {
        var store = Open();
        await store.SetAsync("job.1", "done"u8.ToArray(), Clock.Units(2));

        await Clock.AdvanceAsync(3);

        Assert.Null(await store.GetAsync("job.1"));
    }

    [Fact]
    public async Task A_watcher_sees_values_in_order_and_the_latest_always()
    {
        var store = Open();
        var seen = new ConcurrentQueue<string>();
        await using (await Open().WatchAsync("job.1", value => seen.Enqueue(Encoding.UTF8.GetString(value.Value.Span))))
        {
            for (var i = 1; i <= 20; i++)
                await store.SetAsync("job.1", Encoding.UTF8.GetBytes($"{i:00}"), Long);
            await Wait.Until(() => seen.Contains("20"), "the latest value");
        }

        Assert.Equal(seen.Order(), seen);
    }

    [Fact]
    public async Task Of_all_who_reserve_a_name_at_once_one_gets_it()
    {
        IStateStore[] processes = [Open(), Open()];

        for (var round = 0; round < 10; round++)
        {
            var name = $"tick.{round}";
            var asked = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () => await processes[i % 2].ReserveAsync(name, Long, Long))));

            var winner = Assert.Single(asked, reservation => reservation is not null)!;
            Assert.True(await processes[0].ConfirmAsync(winner));
        }
    }

    [Fact]
    public async Task A_reservation_that_is_not_marked_lapses_and_the_next_who_asks_gets_the_name()
    {
        var store = Open();
        var first = (await store.ReserveAsync("dedup.1", Clock.Units(2), Long))!;
        await Clock.AdvanceAsync(3);

        var second = await store.ReserveAsync("dedup.1", Long, Long);

        Assert.NotNull(second);
        Assert.False(await store.ConfirmAsync(first));
        await store.MarkAsync(first); // too late, and nothing to the second
        await store.ReleaseAsync(first);
        Assert.Null(await store.ReserveAsync("dedup.1", Long, Long));
        Assert.True(await store.ConfirmAsync(second));
    }

    [Fact]
    public async Task A_reservation_that_lapsed_is_not_confirmed_even_if_nobody_has_taken_the_name()
    {
        var store = Open();
        var reservation = (await store.ReserveAsync("dedup.1", Clock.Units(2), Long))!;

        await Clock.AdvanceAsync(3);

        Assert.False(await store.ConfirmAsync(reservation));
    }

    [Fact]
    public async Task A_name_stays_reserved_for_its_lapse_even_if_the_window_is_shorter()
    {
        var (store, other) = (Open(), Open());
        Assert.NotNull(await store.ReserveAsync("dedup.1", Clock.Units(10), Clock.Units(1)));

        await Clock.AdvanceAsync(3);

        Assert.Null(await other.ReserveAsync("dedup.1", Clock.Units(10), Clock.Units(1)));
    }

    [Fact]
    public async Task A_reservation_that_is_confirmed_in_time_stays()
    {
        var store = Open();
        var reservation = (await store.ReserveAsync("dedup.1", Clock.Units(20), Clock.Units(1)))!;

        for (var i = 0; i < 2; i++)
        {
            await Clock.AdvanceAsync(11);
            Assert.True(await store.ConfirmAsync(reservation));
        }

        Assert.Null(await Open().ReserveAsync("dedup.1", Clock.Units(10), Long));
    }

    [Fact]
    public async Task A_marked_name_stays_taken_however_many_ask()
    {
        var (store, other) = (Open(), Open());
        await store.MarkAsync((await store.ReserveAsync("dedup.1", Clock.Units(1), Long))!);
        await Clock.AdvanceAsync(2); // longer than the lapse

        for (var i = 0; i < 300; i++)
            Assert.Null(await other.ReserveAsync("dedup.1", Clock.Units(1), Long));

        await Clock.AdvanceAsync(2);
        Assert.Null(await other.ReserveAsync("dedup.1", Clock.Units(1), Long));
    }

    [Fact]
    public async Task A_marked_name_stays_taken_for_its_window_also_when_its_holder_confirms_it_late()
    {
        var store = Open();
        var reservation = await store.ReserveAsync("dedup.1", Clock.Units(2), Long);
        await store.MarkAsync(reservation!);

        Assert.True(await store.ConfirmAsync(reservation!));
        await Clock.AdvanceAsync(3);

        Assert.True(await store.IsMarkedAsync("dedup.1"));
        Assert.Null(await store.ReserveAsync("dedup.1", Clock.Units(2), Long));
    }

    [Fact]
    public async Task A_marked_name_is_free_when_its_window_has_ended()
    {
        var store = Open();
        await store.MarkAsync((await store.ReserveAsync("dedup.1", Clock.Units(1), Clock.Units(3)))!);

        await Clock.AdvanceAsync(4);

        Assert.NotNull(await store.ReserveAsync("dedup.1", Clock.Units(1), Clock.Units(3)));
    }

    [Fact]
    public async Task Whoever_does_not_get_a_name_learns_whether_what_was_reserved_is_done()
    {
        var (store, other) = (Open(), Open());
        Assert.False(await other.IsMarkedAsync("dedup.1"));
        var reservation = (await store.ReserveAsync("dedup.1", Long, Clock.Units(8)))!;
        Assert.False(await other.IsMarkedAsync("dedup.1"));

        await store.MarkAsync(reservation);

        Assert.True(await other.IsMarkedAsync("dedup.1"));
        await Clock.AdvanceAsync(9);
        Assert.False(await other.IsMarkedAsync("dedup.1"));
    }

    [Fact]
    public async Task A_name_that_is_released_is_free_at_once()
    {
        var store = Open();
        var reservation = (await store.ReserveAsync("dedup.1", Long, Long))!;
        Assert.Null(await store.ReserveAsync("dedup.1", Long, Long));

        await store.ReleaseAsync(reservation);

        Assert.NotNull(await store.ReserveAsync("dedup.1", Long, Long));
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("colon:colon")]
    public async Task A_name_that_is_no_name_is_refused(string name)
    {
        var store = Open();

        await Assert.ThrowsAsync<ArgumentException>(async () => await store.GetAsync(name));
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.ReserveAsync(name, Long, Long));
    }

    private static async Task<string?> ReadAsync(IStateStore store, string name) =>
        await store.GetAsync(name) is { } value ? Encoding.UTF8.GetString(value.Value.Span) : null;
}
