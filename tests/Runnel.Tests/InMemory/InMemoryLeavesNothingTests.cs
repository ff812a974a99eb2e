using Runnel.InMemory;
using Runnel.InMemory.Stored;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.InMemory;

/// <summary>What the in-memory queue remembers of channels that are empty: nothing.</summary>
public sealed class InMemoryLeavesNothingTests
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryWorkQueue _queue;

    public InMemoryLeavesNothingTests() => _queue = new(_clock.TimeProvider);

    private Envelope Envelope => new(new Message("t", default)) { Id = MessageId.New(_clock.TimeProvider) };

    [Fact] // IM-01
    public async Task A_channels_record_goes_when_its_last_message_is_finished()
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync("thumbnails", [Envelope with { Key = "k" }, Envelope with { Key = "k" }, Envelope], EnqueueOptions.Default);

        for (var left = 3; left > 0; left--)
        {
            Assert.Equal(1, _queue.ChannelCount);
            await lease.CompleteAsync((await lease.ReceiveAsync("thumbnails", 1))[0]);
        }

        Assert.Equal(0, _queue.ChannelCount);
    }

    [Fact]
    public async Task A_channels_record_goes_with_the_last_that_waits()
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        using var cancel = new CancellationTokenSource();
        var receiving = lease.ReceiveAsync("thumbnails", 1, cancel.Token).AsTask();
        Assert.Equal(1, _queue.ChannelCount);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
        Assert.Equal(0, _queue.ChannelCount);
    }

    [Fact] // IM-08
    public async Task A_channels_record_goes_when_what_it_held_has_expired_and_when_its_deduplication_window_ends()
    {
        await _queue.EnqueueAsync("expires", [Envelope with { ExpiresAt = _clock.Now.AddSeconds(5) }], EnqueueOptions.Default);
        await _queue.EnqueueAsync("remembers", [Envelope with { DeduplicationId = "d", DeduplicationWindow = TimeSpan.FromSeconds(9) }], EnqueueOptions.Default);
        await using (var lease = await _queue.OpenReceiverAsync(new()))
            await lease.CompleteAsync((await lease.ReceiveAsync("remembers", 1))[0]);
        Assert.Equal(2, _queue.ChannelCount);

        await _clock.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(1, _queue.ChannelCount);
        await _clock.AdvanceAsync(TimeSpan.FromSeconds(4));

        Assert.Equal(0, _queue.ChannelCount);
    }

    [Fact]
    public async Task One_timer_serves_all_channels_and_none_is_armed_when_nothing_is_due()
    {
        Assert.Equal(0, _clock.ArmedTimers);

        for (var i = 1; i <= 50; i++)
            await _queue.EnqueueAsync($"channel-{i}", [Envelope with { NotBefore = _clock.Now.AddMinutes(i) }], EnqueueOptions.Default);
        Assert.Equal(1, _clock.ArmedTimers);
        for (var i = 1; i <= 50; i++)
            await _queue.FlushAsync();
        await _clock.AdvanceAsync(TimeSpan.FromHours(1));

        Assert.Equal(0, _clock.ArmedTimers);
        Assert.Equal(0, _queue.ChannelCount);
    }

    [Fact]
    public async Task Dead_letters_are_kept_for_their_retention()
    {
        var queue = new InMemoryWorkQueue(_clock.TimeProvider) { DeadLetterRetention = TimeSpan.FromDays(2) };
        await using var lease = await queue.OpenReceiverAsync(new());
        await queue.EnqueueAsync("thumbnails", [Envelope], EnqueueOptions.Default);
        await lease.DeadLetterAsync((await lease.ReceiveAsync("thumbnails", 1))[0], DeadLetterReason.Rejected, null);

        await _clock.AdvanceAsync(TimeSpan.FromDays(2) - TimeSpan.FromTicks(1));
        Assert.Single(await queue.ListDeadLettersAsync("thumbnails", DeadLetterFilter.All, 10));
        await _clock.AdvanceAsync(TimeSpan.FromTicks(1));

        Assert.Empty(await queue.ListDeadLettersAsync("thumbnails", DeadLetterFilter.All, 10));
        Assert.Equal(0, queue.ChannelCount);
    }

    [Fact]
    public async Task A_channel_that_holds_nothing_is_not_kept_until_the_time_of_what_it_held()
    {
        var channel = await CancelLateMessageAsync();

        await Wait.UntilForgotten(channel);
        Assert.Equal(0, _queue.ChannelCount);
    }

    [Fact]
    public async Task A_worker_that_has_left_is_forgotten() => await Wait.UntilForgotten(await LeaveAsync());

    [Fact]
    public async Task A_worker_that_dies_as_it_asks_takes_nothing()
    {
        var channel = _queue.GetOrAdd("thumbnails");
        await _queue.EnqueueAsync("thumbnails", [Envelope], EnqueueOptions.Default);
        var ended = new LeaseState();
        ended.TryLose();

        Assert.Empty(channel.Receive(ended, 1).Claims!);

        await using var lease = await _queue.OpenReceiverAsync(new());
        Assert.Single(await Wait.For(lease.ReceiveAsync("thumbnails", 1).AsTask(), "the message"));
    }

    private async Task<WeakReference> CancelLateMessageAsync()
    {
        var late = Envelope with { Delay = TimeSpan.FromDays(1) };
        await _queue.EnqueueAsync("thumbnails", [late], EnqueueOptions.Default);
        var channel = new WeakReference(_queue.Find("thumbnails"));
        Assert.True(await _queue.CancelAsync("thumbnails", late.Id));
        return channel;
    }

    private async Task<WeakReference> LeaveAsync()
    {
        var lease = await _queue.OpenReceiverAsync(new());
        await lease.DisposeAsync();
        return new WeakReference(lease);
    }
}
