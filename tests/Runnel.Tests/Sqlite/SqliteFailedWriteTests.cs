using System.Diagnostics;
using System.Text;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Processes;
using Runnel.Sqlite.Tables;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What is written fails for a while: a broken or full disk. Nothing is lost by it, and nothing goes on failing.</summary>
public sealed class SqliteFailedWriteTests : IAsyncDisposable
{
    private static readonly ChannelName Channel = "payments";
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly ManualClock _clock = new();
    private readonly SqliteFile _file;
    private readonly SqliteStore _store;
    private readonly SqliteWorkQueue _queue;

    public SqliteFailedWriteTests()
    {
        _file = new SqliteFile(_clock.TimeProvider);
        _store = _file.Open();
        _queue = new SqliteWorkQueue(_store);
    }

    public ValueTask DisposeAsync() => _file.DisposeAsync();

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

        using (_file.Break(change))
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
        Assert.Single(_file.Log.Of(3004));
        Assert.Single(_file.Log.Of(3005));
    }

    [Fact]
    public async Task A_settlement_that_goes_on_failing_is_not_in_the_way_of_the_others()
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, Enumerable.Range(1, 100).Select(i => Of($"{i}")).ToArray(), EnqueueOptions.Default);
        var messages = await lease.ReceiveAsync(Channel, 100);
        var stuck = messages.Take(20).ToList(); // more than are tried alone in one round
        var breakage = _file.Break($"DELETE ON message WHEN OLD.id IN ({string.Join(',', stuck.Select(message => ((Claim)message.Token!).Id))})");

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

        using (_file.Break("UPDATE ON message"))
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
        using var breakage = _file.Break("DELETE ON message");
        var settling = lease.CompleteAsync(message).AsTask();
        await Wait.Until(() => !_store.Writer.Health.IsConnected, "it failed");

        await Wait.For(_store.DisposeAsync().AsTask(), "the store to close");

        Assert.False(await Wait.For(settling, "the settlement to be given up"));
    }

    [Fact]
    public async Task Who_waits_for_messages_goes_on_waiting_and_gets_them()
    {
        var breakage = _file.Break("INSERT ON worker");
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
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = _clock.Units(1000) };
        await _queue.EnqueueAsync(Channel, [Of("1")], options);

        using (_file.Break("UPDATE ON channel"))
        {
            var waits = await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(_queue.EnqueueAsync(Channel, [Of("2")], options).AsTask(), "the failure"));
            Assert.Contains("Nothing was stored on channel 'payments'", waits.Message, StringComparison.Ordinal);
        }

        await using var lease = await _queue.OpenReceiverAsync(new());
        await lease.CompleteAsync(Assert.Single(await lease.ReceiveAsync(Channel, 10)));
        await Wait.For(_queue.EnqueueAsync(Channel, [Of("3")], options).AsTask(), "a message to be stored");
        Assert.Equal("3", Text(Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 10).AsTask(), "the message"))));
        Assert.Equal(1, _file.Count("message"));
    }

    [Fact]
    public async Task A_transaction_that_changes_nothing_does_not_prove_that_the_file_can_be_written_again()
    {
        var store = _file.Open(options => options.LookInterval = TimeSpan.FromMinutes(10)); // so that it tries nothing by itself
        using var breakage = _file.Break("UPDATE ON sequence");
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(new SqliteWorkQueue(store).EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default).AsTask(), "the failure"));

        await store.RunAsync(static _ => true);

        await Wait.Until(() => store.Writer.Health.NeedsProof, "only an attempt can tell");
        Assert.False(store.Writer.Health.IsConnected);
    }

    [Fact]
    public async Task Publishing_works_again_after_a_failure()
    {
        var backplane = new SqliteBackplane(_store);
        await using var listener = await TopicListener.OnAsync(backplane, Articles);
        var keep = new Retention(10, _clock.Units(1000));

        using (_file.Break("INSERT ON publication"))
            await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(backplane.PublishAsync(Articles, "lost"u8.ToArray(), keep).AsTask(), "the failure"));
        await backplane.PublishAsync(Articles, "kept"u8.ToArray(), keep);

        Assert.Equal("kept", await listener.NextAsync());
        Assert.Equal("kept", TopicListener.Text(Assert.Single((await backplane.ReadHistoryAsync(Articles, Position.None, 10)).Messages)));
    }

    [Fact]
    public async Task A_subscription_that_is_done_again_after_a_rollback_misses_nothing_of_other_processes_and_begins_where_the_topic_is()
    {
        var keep = new Retention(10, _clock.Units(1000));
        var others = new SqliteBackplane(_file.Open());
        var latest = await others.PublishAsync(Articles, "before"u8.ToArray(), keep);
        var (published, spoiled) = (0, 0);

        // The three are in one transaction, which the last one spoils. The publication is not repeated.
        using var busy = await BusyAsync();
        var publishing = _store.RunAsync(transaction => ++published == 1 ? transaction.Publications.Publish(Articles.Value, "lost"u8.ToArray(), keep, node: 0) : default);
        var subscribing = TopicListener.OnAsync(new SqliteBackplane(_store), Articles);
        var spoiling = _store.RunAsync(_ => ++spoiled == 1 ? throw new SqliteFailure("Broken by the test.", SQLitePCL.raw.SQLITE_IOERR) : true);
        busy.Dispose();
        await Wait.For(Task.WhenAll(publishing, subscribing, spoiling), "all to be done");
        await using var listener = await subscribing;
        await others.PublishAsync(Articles, "plain"u8.ToArray(), retention: null);
        await others.PublishAsync(Articles, "kept"u8.ToArray(), keep);

        Assert.Equal((2, 2), (published, spoiled));
        Assert.Equal(latest, listener.Begins);
        Assert.Equal(["plain", "kept"], [await listener.NextAsync(), await listener.NextAsync()]);
        Assert.Empty(listener.Gaps);
    }

    [Fact]
    public async Task A_subscription_whose_caller_has_given_up_leaves_nothing_behind_when_it_fails()
    {
        using var cancelled = new CancellationTokenSource();
        var (broken, spoiled) = (0, 0);

        // The three are in one transaction, which the last one spoils. When each is done by itself, the first one makes the second one fail.
        using var busy = await BusyAsync();
        var breaking = _store.RunAsync(transaction =>
        {
            if (++broken == 2)
                transaction.Database.Execute("CREATE TRIGGER broken BEFORE INSERT ON interest BEGIN SELECT RAISE(ABORT, 'broken by the test'); END");
            return true;
        });
        var subscribing = new SqliteBackplane(_store).SubscribeAsync(Articles, new NoListener(), cancelled.Token).AsTask();
        var spoiling = _store.RunAsync(_ => ++spoiled == 1 ? throw new SqliteFailure("Broken by the test.", SQLitePCL.raw.SQLITE_IOERR) : true);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscribing);
        busy.Dispose();
        await Wait.For(Task.WhenAll(breaking, spoiling), "all to be done");

        Assert.Equal((2, 2), (broken, spoiled));
        await Wait.Until(() => !_store.Writer.Deliveries.HasSubscribers, "nobody is subscribed");
    }

    [Fact]
    public async Task An_application_that_writes_nothing_more_hears_that_the_file_can_be_written_again_and_leaves_it_at_rest()
    {
        var backplane = new SqliteBackplane(_store);
        using var counter = _file.CountTransactions();
        using (_file.Break("INSERT ON publication"))
            await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(backplane.PublishAsync(Articles, "lost"u8.ToArray(), new Retention(10, _clock.Units(1000))).AsTask(), "the failure"));

        await Wait.Until(() => backplane.State == BackplaneState.Connected, "it can be written again");

        var (written, rounds) = (counter.Count, _store.Writer.Rounds);
        await Wait.Until(() => _store.Writer.Rounds > rounds + 20, "it looked around for a while");
        Assert.Equal((1, 1), (written, counter.Count));
    }

    [Fact]
    public void A_store_that_could_not_be_opened_leaves_no_lock_behind()
    {
        using (_file.Break("INSERT ON node"))
            Assert.ThrowsAny<IOException>(() => _file.Open());

        Assert.Single(LocksOf(_file.Path), path => !NodeLock.IsFree(path));
        _file.Open();
        Assert.Equal(2, LocksOf(_file.Path).Length);
    }

    [Fact]
    public async Task A_topic_that_nobody_listens_to_any_more_is_forgotten_although_that_failed_first()
    {
        var backplane = new SqliteBackplane(_store);
        var listener = await TopicListener.OnAsync(backplane, Articles);

        using (_file.Break("DELETE ON interest"))
            await Wait.For(listener.DisposeAsync().AsTask(), "the subscription to end");

        await Wait.Until(() => _file.Count("interest") == 0, "the topic was forgotten");
    }

    [Fact]
    public async Task What_has_expired_is_swept_and_the_channels_are_listed_although_that_failed_first()
    {
        await _queue.EnqueueAsync(Channel, [Of("1") with { ExpiresAt = _clock.Now + _clock.Units(1) }], EnqueueOptions.Default);

        using (_file.Break("DELETE ON message"))
        {
            await _clock.AdvanceAsync(2);
            await Wait.Until(() => !_store.Writer.Health.IsConnected, "it failed");
            Assert.Single(await _queue.ListChannelsAsync());
        }

        await _clock.AdvanceAsync(1); // it is not tried all the time
        await Wait.Until(() => _file.Count("message") + _file.Count("channel") == 0, "the message was swept");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_expires_in_a_workers_hands_is_swept_when_it_is_given_back(bool leaves)
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of("1") with { ExpiresAt = _clock.Now + _clock.Units(1) }], EnqueueOptions.Default);
        var message = Assert.Single(await lease.ReceiveAsync(Channel, 1));
        await _clock.AdvanceAsync(2);
        await _store.RunAsync(_ => true); // it is swept around the worker

        if (leaves)
            await lease.DisposeAsync();
        else
            await lease.AbandonAsync(message, new AbandonOptions());
        await _clock.AdvanceAsync(1);

        await Wait.Until(() => _file.Count("message") == 0, "the message was swept");
    }

    [Fact]
    public async Task What_a_dead_process_held_goes_to_others_although_that_failed_first()
    {
        var other = _file.Open();
        await using var dies = await new SqliteWorkQueue(other).OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await dies.ReceiveAsync(Channel, 1);

        using (_file.Break("DELETE ON node"))
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
        var queue = new SqliteWorkQueue(_file.Open(options => options.OutageTimeout = patience));
        using var other = Database.OpenForWriting(_file.Path, SqliteSynchronous.Normal);
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

    /// <summary>Keeps the writer busy until the answer is disposed: what is asked for meanwhile is done in one transaction.</summary>
    private async Task<IDisposable> BusyAsync()
    {
        var (begun, end) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new ManualResetEventSlim());
        _ = _store.RunAsync(_ => begun.TrySetResult() && end.Wait(Wait.Limit));
        await Wait.For(begun.Task, "the writer to be busy");
        return new Busy(end);
    }

    private static string[] LocksOf(string path) => Directory.GetFiles(SqliteNames.Folder(path), "*.lock");

    private Envelope Of(string text, string? key = null) =>
        new(new Message("pay", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(_clock.TimeProvider), Key = key, SentAt = _clock.Now };

    private static string Text(ReceivedMessage message) => Encoding.UTF8.GetString(message.Envelope.Message.Body.Span);

    private sealed class Busy(ManualResetEventSlim end) : IDisposable
    {
        public void Dispose() => end.Set();
    }

    private sealed class NoListener : ITopicListener
    {
        public void OnMessage(BackplaneMessage message)
        {
        }

        public void OnGap(TopicGap gap)
        {
        }
    }
}
