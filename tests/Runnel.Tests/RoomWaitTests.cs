using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests;

public sealed class RoomWaitTests
{
    private static readonly EnqueueOptions Second = new() { Capacity = 7, WaitForRoom = TimeSpan.FromSeconds(1) };

    private readonly ManualTimeProvider _clock = new();
    private readonly TaskCompletionSource<int> _stored = new();
    private int _withdrawals;

    [Fact]
    public async Task Messages_that_get_no_room_in_time_are_withdrawn_and_the_channel_is_full()
    {
        var waiting = WaitAsync(Second, isInLine: true);

        _clock.Advance(TimeSpan.FromSeconds(1));

        var full = await Assert.ThrowsAsync<ChannelFullException>(() => waiting);
        Assert.Equal(("work", 7, 1), (full.Channel.Value, full.Capacity, _withdrawals));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Room_that_comes_at_the_last_moment_counts(bool isCancelled)
    {
        using var cancellation = new CancellationTokenSource();
        var waiting = WaitAsync(Second, isInLine: false, cancellation.Token);

        if (isCancelled)
            await cancellation.CancelAsync();
        else
            _clock.Advance(TimeSpan.FromSeconds(1));
        _stored.SetResult(3);

        Assert.Equal(3, await waiting);
        Assert.Equal(1, _withdrawals);
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_ends_as_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var waiting = WaitAsync(Second, isInLine: true, cancellation.Token);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(1, _withdrawals);
    }

    [Fact]
    public async Task A_wait_may_be_longer_than_timers_take()
    {
        var waiting = WaitAsync(Second with { WaitForRoom = TimeSpan.MaxValue }, isInLine: true);

        _clock.Advance(TimeSpan.FromDays(100));
        _stored.SetResult(2);

        Assert.Equal(2, await waiting);
    }

    private Task<int> WaitAsync(EnqueueOptions options, bool isInLine, CancellationToken cancellationToken = default) =>
        RoomWait.ForAsync(_stored.Task, () => Withdraw(isInLine), "work", options, _clock, cancellationToken).AsTask();

    private ValueTask<bool> Withdraw(bool isInLine)
    {
        _withdrawals++;
        return new(isInLine);
    }
}
