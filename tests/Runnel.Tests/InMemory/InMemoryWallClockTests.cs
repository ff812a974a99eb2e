using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.InMemory;

/// <summary>What the in-memory queue does when somebody sets the clock: what lasts some time lasts as long as before, and only a time of day comes sooner or later.</summary>
public sealed class InMemoryWallClockTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Almost = Minute - TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(1);

    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryWorkQueue _queue;

    public InMemoryWallClockTests() => _queue = new(_clock) { DeadLetterRetention = Minute };

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task A_delay_lasts_as_long_as_it_was_to_last(int days)
    {
        await EnqueueAsync(Of() with { Delay = Minute });

        await AssertLastsAMinuteAsync(days, HeldAsync, (0, 1), (1, 0));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task The_rest_before_another_attempt_lasts_as_long_as_it_was_to_last(int days)
    {
        await EnqueueAsync(Of());
        await using var lease = await _queue.OpenReceiverAsync(new());
        await lease.AbandonAsync((await lease.ReceiveAsync("thumbnails", 1))[0], new AbandonOptions { Delay = Minute });

        await AssertLastsAMinuteAsync(days, HeldAsync, (0, 1), (1, 0));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task A_message_lives_as_long_as_it_was_to_live(int days)
    {
        await EnqueueAsync(Of() with { TimeToLive = Minute });

        await AssertLastsAMinuteAsync(days, HeldAsync, (1, 0), (0, 0));
    }

    [Fact]
    public async Task What_has_expired_by_a_clock_that_was_set_cannot_be_cancelled_though_no_timer_has_noticed()
    {
        var message = Of() with { ExpiresAt = _clock.GetUtcNow() + Minute };
        await EnqueueAsync(message);

        _clock.Jump(2 * Minute);

        Assert.False(await _queue.CancelAsync("thumbnails", message.Id));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task A_deduplication_id_is_remembered_for_its_window(int days)
    {
        Envelope Pay() => Of() with { DeduplicationId = "nonce", DeduplicationWindow = Minute };
        await EnqueueAsync(Pay());

        await AssertLastsAMinuteAsync(days, () => EnqueueAsync(Pay()).AsTask(), 0, 1);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task A_dead_letter_is_kept_for_its_retention(int days)
    {
        await EnqueueAsync(Of());
        await using var lease = await _queue.OpenReceiverAsync(new());
        await lease.DeadLetterAsync((await lease.ReceiveAsync("thumbnails", 1))[0], DeadLetterReason.Rejected, null);

        await AssertLastsAMinuteAsync(days, async () => (await _queue.ListDeadLettersAsync("thumbnails", DeadLetterFilter.All, 10)).Count, 1, 0);
    }

    [Fact]
    public async Task A_time_of_day_comes_sooner_when_the_clock_is_set_forward()
    {
        var day = _clock.GetUtcNow().AddDays(1);
        await EnqueueAsync(Of() with { NotBefore = day }, Of() with { ExpiresAt = day });

        _clock.Jump(TimeSpan.FromDays(1));
        _clock.Advance(TimeSpan.FromSeconds(10)); // by when the queue has looked

        Assert.Equal((1, 0), await HeldAsync());
    }

    [Fact]
    public async Task A_time_of_day_comes_later_when_the_clock_is_set_back()
    {
        await EnqueueAsync(Of() with { NotBefore = _clock.GetUtcNow() + Minute }, Of() with { ExpiresAt = _clock.GetUtcNow() + Minute });

        _clock.Jump(-Minute);
        _clock.Advance(Minute + Almost);
        Assert.Equal((1, 1), await HeldAsync());
        _clock.Advance(Rest);

        Assert.Equal((1, 0), await HeldAsync());
    }

    private async Task AssertLastsAMinuteAsync<T>(int days, Func<Task<T>> look, T meanwhile, T afterwards)
    {
        _clock.Jump(TimeSpan.FromDays(days));
        _clock.Advance(Almost);
        Assert.Equal(meanwhile, await look());
        _clock.Advance(Rest);

        Assert.Equal(afterwards, await look());
    }

    private Envelope Of() => new(new Message("t", default)) { Id = MessageId.New(_clock) };

    private ValueTask<int> EnqueueAsync(params Envelope[] envelopes) => _queue.EnqueueAsync("thumbnails", envelopes, EnqueueOptions.Default);

    private async Task<(long Ready, long Scheduled)> HeldAsync()
    {
        var status = (await _queue.ListChannelsAsync()).SingleOrDefault();
        return (status?.Ready ?? 0, status?.Scheduled ?? 0);
    }
}
