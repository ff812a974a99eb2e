using System.Diagnostics;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Processes;
using Runnel.Sqlite.Tables;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What is written of work fails for a while: a broken or full disk. Nothing is lost by it, and nothing goes on failing.</summary>
public sealed class SqliteFailedWriteTests : SqliteFileTests
{
    private const int HandlerFailed = 3014;

    private readonly SqliteStore _store;
    private readonly SqliteWorkQueue _queue;

    public SqliteFailedWriteTests() => _queue = new SqliteWorkQueue(_store = QueueFile.Open());

    [Theory]
    [InlineData("complete", "DELETE ON message")]
    [InlineData("abandon", "UPDATE ON message")]
    [InlineData("dead-letter", "INSERT ON dead")]
    public async Task A_settlement_that_fails_is_tried_again_until_it_succeeds_and_its_lane_goes_on(string how, string change)
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of("1", "k"), Of("2", "k")], EnqueueOptions.Default);
        var first = Assert.Single(await lease.ReceiveAsync(Channel, 10));
        Task<bool> settling;

        using (QueueFile.Break(change))
        {
            settling = how switch
            {
                "complete" => lease.CompleteAsync(first).AsTask(),
                "abandon" => lease.AbandonAsync(first, new AbandonOptions()).AsTask(),
                _ => lease.DeadLetterAsync(first, DeadLetterReason.Rejected, "no").AsTask(),
            };
            await Wait.Until(() => !_store.Writer.Health.IsConnected, "it failed");
        }

        Assert.True(await Wait.For(settling, "the settlement"));
        var next = Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 10).AsTask(), "the lane's next message"));
        Assert.Equal(how == "abandon" ? "1" : "2", Text(next));
        await Wait.Until(() => _store.Writer.Health.IsConnected, "it can be written again");
        Assert.Single(QueueFile.Log.Of(3004));
        Assert.Single(QueueFile.Log.Of(3005));
    }

    [Fact]
    public async Task A_settlement_that_goes_on_failing_is_not_in_the_way_of_the_others()
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, Enumerable.Range(1, 100).Select(i => Of($"{i}")).ToArray(), EnqueueOptions.Default);
        var messages = await lease.ReceiveAsync(Channel, 100);
        var stuck = messages.Take(20).ToList(); // more than are tried alone in one round
        var breakage = QueueFile.Break($"DELETE ON message WHEN OLD.id IN ({string.Join(',', stuck.Select(message => ((Claim)message.Token!).Id))})");

        var settling = messages.Select(message => lease.CompleteAsync(message).AsTask()).ToList();

        Assert.All(await Wait.For(Task.WhenAll(settling.Skip(20)), "the others to be settled"), Assert.True);
        Assert.Equal(1, await Wait.For(_queue.EnqueueAsync(Channel, [Of("new")], EnqueueOptions.Default).AsTask(), "a message to be stored"));
        Assert.DoesNotContain(settling.Take(20), task => task.IsCompleted);
        breakage.Dispose();
        Assert.All(await Wait.For(Task.WhenAll(settling), "the rest to be settled"), Assert.True);
    }

    [Fact]
    public async Task A_worker_that_leaves_while_nothing_can_be_written_hands_back_as_soon_as_it_can()
    {
        var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await lease.ReceiveAsync(Channel, 1);

        using (QueueFile.Break("UPDATE ON message"))
            await Wait.For(lease.DisposeAsync().AsTask(), "the worker to leave");

        await using var other = await _queue.OpenReceiverAsync(new());
        Assert.Equal("1", Text(Assert.Single(await Wait.For(other.ReceiveAsync(Channel, 1).AsTask(), "its message"))));
    }

    [Fact]
    public async Task A_store_that_closes_gives_up_what_it_cannot_settle()
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        var message = Assert.Single(await lease.ReceiveAsync(Channel, 1));
        using var breakage = QueueFile.Break("DELETE ON message");
        var settling = lease.CompleteAsync(message).AsTask();
        await Wait.Until(() => !_store.Writer.Health.IsConnected, "it failed");

        await Wait.For(_store.DisposeAsync().AsTask(), "the store to close");

        Assert.False(await Wait.For(settling, "the settlement to be given up"));
    }

    [Fact]
    public async Task Who_waits_for_messages_goes_on_waiting_and_gets_them()
    {
        var breakage = QueueFile.Break("INSERT ON worker");
        await using var lease = await _queue.OpenReceiverAsync(new());
        using var cancel = new CancellationTokenSource();

        var receiving = lease.ReceiveAsync(Channel, 1).AsTask();
        var cancelled = lease.ReceiveAsync(Channel, 1, cancel.Token).AsTask();
        await Wait.Until(() => !_store.Writer.Health.IsConnected, "it failed");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(cancelled, "the cancelled wait to end"));
        breakage.Dispose();
        await _queue.EnqueueAsync(Channel, [Of("1"), Of("2")], EnqueueOptions.Default);

        Assert.Equal("1", Text(Assert.Single(await Wait.For(receiving, "the message"))));
        Assert.Equal("2", Text(Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the next message"))));
    }

    [Fact]
    public async Task A_sender_that_was_told_of_a_failure_has_nothing_stored_later()
    {
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1000) };
        await _queue.EnqueueAsync(Channel, [Of("1")], options);

        using (QueueFile.Break("UPDATE ON channel"))
        {
            var waits = await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(_queue.EnqueueAsync(Channel, [Of("2")], options).AsTask(), "the failure"));
            Assert.Contains("Nothing was stored on channel 'payments'", waits.Message, StringComparison.Ordinal);
        }

        await using var lease = await _queue.OpenReceiverAsync(new());
        await lease.CompleteAsync(Assert.Single(await lease.ReceiveAsync(Channel, 10)));
        await Wait.For(_queue.EnqueueAsync(Channel, [Of("3")], options).AsTask(), "a message to be stored");
        Assert.Equal("3", Text(Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 10).AsTask(), "the message"))));
        Assert.Equal(1, QueueFile.Count("message"));
    }

    [Fact]
    public async Task A_handler_of_the_state_that_throws_does_no_harm()
    {
        var backplane = new SqliteBackplane(_store);
        backplane.StateChanged += _ => throw new InvalidOperationException("a fault of the application");

        using (QueueFile.Break("INSERT ON message"))
            await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(_queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default).AsTask(), "the failure"));
        Assert.NotEmpty(QueueFile.Log.Of(HandlerFailed));
        Assert.Equal(1, await Wait.For(_queue.EnqueueAsync(Channel, [Of("2")], EnqueueOptions.Default).AsTask(), "the next message to be stored"));

        await Wait.Until(() => QueueFile.Log.Of(HandlerFailed).Count() == 2, "its end is told, too");
        Assert.Equal(BackplaneState.Connected, backplane.State);
    }

    [Fact]
    public async Task A_transaction_that_changes_nothing_does_not_prove_that_the_file_can_be_written_again()
    {
        var store = QueueFile.Open(options => options.LookInterval = TimeSpan.FromMinutes(10)); // so that it tries nothing by itself
        using var breakage = QueueFile.Break("UPDATE ON sequence");
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(new SqliteWorkQueue(store).EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default).AsTask(), "the failure"));

        await store.RunAsync(static _ => true);

        await Wait.Until(() => store.Writer.Health.NeedsProof, "only an attempt can tell");
        Assert.False(store.Writer.Health.IsConnected);
    }

    [Fact]
    public void A_store_that_could_not_be_opened_leaves_no_lock_behind()
    {
        using (QueueFile.Break("INSERT ON node"))
            Assert.ThrowsAny<IOException>(() => QueueFile.Open());

        Assert.Single(LocksOf(QueueFile.Path), path => !NodeLock.IsFree(path));
        QueueFile.Open();
        Assert.Equal(2, LocksOf(QueueFile.Path).Length);
    }

    [Fact]
    public async Task What_has_expired_is_swept_and_the_channels_are_listed_although_that_failed_first()
    {
        await _queue.EnqueueAsync(Channel, [Of("1") with { ExpiresAt = Clock.Now + Clock.Units(1) }], EnqueueOptions.Default);

        using (QueueFile.Break("DELETE ON message"))
        {
            await Clock.AdvanceAsync(2);
            // It is tried once while the clock stands still, so the file counts as written again a second later: the log does not forget.
            await Wait.Until(() => QueueFile.Log.Of(3004).Any(), "it failed");
            Assert.Single(await _queue.ListChannelsAsync());
        }

        await Clock.AdvanceAsync(1); // it is not tried all the time
        await Wait.Until(() => QueueFile.Count("message") + QueueFile.Count("channel") == 0, "the message was swept");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_expires_in_a_workers_hands_is_swept_when_it_is_given_back(bool leaves)
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of("1") with { ExpiresAt = Clock.Now + Clock.Units(1) }], EnqueueOptions.Default);
        var message = Assert.Single(await lease.ReceiveAsync(Channel, 1));
        await Clock.AdvanceAsync(2);
        await _store.RunAsync(_ => true); // it is swept around the worker

        if (leaves)
            await lease.DisposeAsync();
        else
            await lease.AbandonAsync(message, new AbandonOptions());
        await Clock.AdvanceAsync(1);

        await Wait.Until(() => QueueFile.Count("message") == 0, "the message was swept");
    }

    [Fact]
    public async Task What_a_dead_process_held_goes_to_others_although_that_failed_first()
    {
        var other = QueueFile.Open();
        await using var dies = await new SqliteWorkQueue(other).OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await dies.ReceiveAsync(Channel, 1);

        using (QueueFile.Break("DELETE ON node"))
        {
            await other.CrashAsync();
            await Wait.Until(() => !_store.Writer.Health.IsConnected, "it failed");
        }

        await using var lease = await _queue.OpenReceiverAsync(new());
        Assert.Equal(1, Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "its message")).Envelope.Crashes);
    }

    [Fact]
    public async Task Who_sends_long_after_others_kept_the_file_locked_waits_for_them_as_long_as_the_first_did()
    {
        var patience = TimeSpan.FromSeconds(1);
        // It tries nothing by itself: whether it can write again it would try a second after the refusal, which is when the file is locked again.
        var queue = new SqliteWorkQueue(QueueFile.Open(options => (options.OutageTimeout, options.LookInterval) = (patience, TimeSpan.FromHours(1))));
        using var other = Database.OpenForWriting(QueueFile.Path, SqliteSynchronous.Normal);
        other.Begin();
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default).AsTask(), "the refusal"));
        other.Rollback();
        var refused = Stopwatch.GetTimestamp();
        await Wait.Until(() => Stopwatch.GetElapsedTime(refused) > patience, "nothing was sent for long");

        other.Begin();
        var sent = Stopwatch.GetTimestamp();
        var late = await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(queue.EnqueueAsync(Channel, [Of("2")], EnqueueOptions.Default).AsTask(), "the refusal"));
        var waited = Stopwatch.GetElapsedTime(sent);
        other.Rollback();

        Assert.True(waited >= patience, $"It waited for {waited} only, and was told: {late.Message}");
    }

    private static string[] LocksOf(string path) => Directory.GetFiles(SqliteNames.Folder(path), "*.lock");
}
