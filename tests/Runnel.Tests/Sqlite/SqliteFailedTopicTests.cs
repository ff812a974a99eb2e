using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What is written of topics fails for a while: who publishes is told, and who subscribes or leaves is not the worse for it.</summary>
public sealed class SqliteFailedTopicTests : SqliteFileTests
{
    private readonly SqliteStore _store;

    public SqliteFailedTopicTests() => _store = QueueFile.Open();

    [Fact]
    public async Task Publishing_works_again_after_a_failure()
    {
        var backplane = new SqliteBackplane(_store);
        await using var listener = await TopicListener.OnAsync(backplane, Articles);
        var keep = new Retention(10, Clock.Units(1000));

        using (QueueFile.Break("INSERT ON publication"))
            await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(backplane.PublishAsync(Articles, "lost"u8.ToArray(), keep).AsTask(), "the failure"));
        await backplane.PublishAsync(Articles, "kept"u8.ToArray(), keep);

        Assert.Equal("kept", await listener.NextAsync());
        Assert.Equal("kept", TopicListener.Text(Assert.Single((await backplane.ReadHistoryAsync(Articles, Position.None, 10)).Messages)));
    }

    [Fact]
    public async Task A_subscription_that_is_done_again_after_a_rollback_misses_nothing_of_other_processes_and_begins_where_the_topic_is()
    {
        var keep = new Retention(10, Clock.Units(1000));
        var others = new SqliteBackplane(QueueFile.Open());
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
        using var counter = QueueFile.CountTransactions();
        using (QueueFile.Break("INSERT ON publication"))
            await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(backplane.PublishAsync(Articles, "lost"u8.ToArray(), new Retention(10, Clock.Units(1000))).AsTask(), "the failure"));

        await Wait.Until(() => backplane.State == BackplaneState.Connected, "it can be written again");

        var (written, rounds) = (counter.Count, _store.Writer.Rounds);
        await Wait.Until(() => _store.Writer.Rounds > rounds + 20, "it looked around for a while");
        Assert.Equal((1, 1), (written, counter.Count));
    }

    [Fact]
    public async Task A_topic_that_nobody_listens_to_any_more_is_forgotten_although_that_failed_first()
    {
        var backplane = new SqliteBackplane(_store);
        var listener = await TopicListener.OnAsync(backplane, Articles);

        using (QueueFile.Break("DELETE ON interest"))
            await Wait.For(listener.DisposeAsync().AsTask(), "the subscription to end");

        await Wait.Until(() => QueueFile.Count("interest") == 0, "the topic was forgotten");
    }

    /// <summary>Keeps the writer busy until the answer is disposed: what is asked for meanwhile is done in one transaction.</summary>
    private async Task<IDisposable> BusyAsync()
    {
        var (begun, end) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new ManualResetEventSlim());
        _ = _store.RunAsync(_ => begun.TrySetResult() && end.Wait(Wait.Limit));
        await Wait.For(begun.Task, "the writer to be busy");
        return new Busy(end);
    }

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
