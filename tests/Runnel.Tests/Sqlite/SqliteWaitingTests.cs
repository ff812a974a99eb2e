using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Writing;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>Who waits in this process for messages and for room.</summary>
public sealed class SqliteWaitingTests : SqliteFileTests
{
    private readonly SqliteStore _store;
    private readonly SqliteWorkQueue _queue;

    public SqliteWaitingTests() => _queue = new SqliteWorkQueue(_store = QueueFile.Open());

    [Theory]
    [InlineData("INSERT ON message")]
    [InlineData("UPDATE ON channel")] // the last change
    public async Task Messages_that_got_room_in_a_transaction_that_failed_are_stored_when_their_sender_is_told_so(string failing)
    {
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1000) };
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of("1")], options);
        var waiting = _queue.EnqueueAsync(Channel, [Of("2")], options).AsTask();
        await Wait.Until(() => QueueFile.Count("channel WHERE wanted = 1") == 1, "it waits for room");

        Task<IReadOnlyList<ReceivedMessage>> receiving;
        using (QueueFile.Break(failing))
        {
            receiving = lease.ReceiveAsync(Channel, 1).AsTask();
            await Wait.Until(() => !_store.Writer.Health.IsConnected, "it got room, and failed");
        }

        Assert.Equal("1", Text(Assert.Single(await Wait.For(receiving, "the first"))));
        Assert.Equal(1, await Wait.For(waiting, "the second to be stored"));
        Assert.Equal("2", Text(Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the second"))));
    }

    [Fact]
    public void A_wait_that_was_cancelled_while_it_was_served_ends_when_that_is_undone()
    {
        using var cancel = new CancellationTokenSource();
        var work = new ReceiveWork(Channel.Value, _store.AddLease(), 1, new WaitingReceivers());
        Assert.True(work.TryServe());

        work.Cancel(cancel.Token);
        Assert.False(work.Task.IsCompleted);
        work.Release();

        Assert.True(work.Task.IsCanceled);
    }

    [Fact]
    public async Task Waits_that_were_cancelled_are_forgotten()
    {
        const int Count = 20;
        await using var lease = await _queue.OpenReceiverAsync(new());
        List<WeakReference> cancelled = [];
        for (var i = 0; i < Count; i++)
            cancelled.Add(await CancelAsync(lease));

        await Wait.Until(
            async () =>
            {
                await _queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default); // the writer keeps what it did last until it does something else
                Assert.True(await lease.CompleteAsync(Assert.Single(await lease.ReceiveAsync(Channel, 1))));
                GC.Collect();
                return cancelled.Count(static wait => wait.IsAlive) < Count / 2; // the last of them may be in some thread's hands
            },
            "nobody keeps them");
    }

    private async Task<WeakReference> CancelAsync(IWorkReceiver lease)
    {
        using var cancel = new CancellationTokenSource();
        var receiving = lease.ReceiveAsync(Channel, 1, cancel.Token).AsTask();
        await _queue.EnqueueAsync("elsewhere", [Of("1")], EnqueueOptions.Default); // the writer does one thing after the other: now the wait stands in line
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
        return new WeakReference(cancel);
    }
}
