using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Processes;
using Runnel.Sqlite.Tables;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What is over leaves nothing in the file, and what nobody needs does not come into it.</summary>
public sealed class SqliteLeavesNothingTests : SqliteFileTests
{
    [Fact]
    public async Task A_worker_that_leaves_or_dies_leaves_nothing()
    {
        var (store, dies) = (QueueFile.Open(), QueueFile.Open());
        var queue = new SqliteWorkQueue(store);
        await queue.EnqueueAsync(Channel, [Of("1"), Of("2")], EnqueueOptions.Default);
        var leaving = await queue.OpenReceiverAsync(new());
        await leaving.ReceiveAsync(Channel, 1);
        await (await new SqliteWorkQueue(dies).OpenReceiverAsync(new())).ReceiveAsync(Channel, 1);
        Assert.Equal(2, QueueFile.Count("worker"));

        await leaving.DisposeAsync();
        Assert.Equal(1, QueueFile.Count("worker"));
        await dies.CrashAsync();

        await Wait.Until(() => QueueFile.Count("worker") == 0, "the dead one was buried");
    }

    [Fact]
    public void Files_of_a_process_that_is_not_in_the_database_go_when_it_is_dead_and_not_before()
    {
        QueueFile.Open();
        var path = SqliteNames.Lock(QueueFile.Path, "forgotten");
        using (NodeLock.Take(path))
        {
            QueueFile.Open();
            Assert.True(File.Exists(path));
        }

        QueueFile.Open();

        Assert.False(File.Exists(path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_process_that_leaves_or_dies_listens_to_nothing_any_more_and_its_topics_are_forgotten(bool dies)
    {
        var (publishes, listens) = (QueueFile.Open(), QueueFile.Open());
        _ = await new SqliteBackplane(listens).SubscribeAsync(Articles, static _ => { });
        await new SqliteBackplane(publishes).PublishAsync(Articles, "1"u8.ToArray(), new Retention(10, Clock.Units(1)) { PositionAge = Clock.Units(1) });
        await Clock.AdvanceAsync(100);
        await Wait.Until(() => QueueFile.Count("topic WHERE until IS NULL") == 1, "it is kept for the one who listens");

        if (dies)
            await listens.CrashAsync();
        else
            await listens.DisposeAsync();

        await Wait.Until(() => QueueFile.Count("interest") == 0, "nobody listens");
        await Clock.AdvanceAsync(1);
        await Wait.Until(() => QueueFile.Count("topic") == 0, "the topic was forgotten");
    }

    [Fact]
    public async Task A_history_that_is_to_be_shorter_from_now_on_keeps_no_more_than_that()
    {
        var backplane = new SqliteBackplane(QueueFile.Open());
        for (var i = 0; i < 5; i++)
            await backplane.PublishAsync(Articles, "long"u8.ToArray(), new Retention(10, TimeSpan.FromHours(1)));

        await backplane.PublishAsync(Articles, "short"u8.ToArray(), new Retention(2, TimeSpan.FromHours(1)));
        await Clock.AdvanceAsync(PublicationTable.Transit * 2); // until then other processes may have to read it

        await Wait.Until(() => QueueFile.Count("publication") == 2, "the others are gone");
    }

    [Fact]
    public async Task However_many_messages_of_a_history_have_aged_all_are_deleted_without_a_pause()
    {
        var backplane = new SqliteBackplane(QueueFile.Open());
        var retention = new Retention(10_000, TimeSpan.FromSeconds(1));
        await Task.WhenAll(Enumerable.Range(0, 1_200).Select(_ => backplane.PublishAsync(Articles, "old"u8.ToArray(), retention).AsTask())); // more than are deleted in one transaction

        await Clock.AdvanceAsync(PublicationTable.Transit * 2);

        await Wait.Until(() => QueueFile.Count("publication") == 0, "all are gone, although the clock stands still");
    }

    [Fact]
    public async Task A_message_that_was_large_for_a_while_leaves_nothing()
    {
        var queue = new SqliteWorkQueue(QueueFile.Open());
        await using var lease = await queue.OpenReceiverAsync(new());
        await queue.EnqueueAsync(Channel, [Of("small")], EnqueueOptions.Default);

        await lease.AbandonAsync(Assert.Single(await lease.ReceiveAsync(Channel, 1)), new AbandonOptions { Body = new byte[300_000] });
        Assert.Equal((1, 1), (QueueFile.Count("large"), QueueFile.Count("message WHERE body IS NULL")));
        await lease.AbandonAsync(Assert.Single(await lease.ReceiveAsync(Channel, 1)), new AbandonOptions { Body = "small"u8.ToArray() });

        Assert.Equal((0, 0), (QueueFile.Count("large"), QueueFile.Count("message WHERE body IS NULL")));
    }

    [Fact]
    public async Task A_group_message_that_nobody_keeps_and_no_other_process_hears_is_not_written()
    {
        var (one, two) = (new SqliteBackplane(QueueFile.Open()), new SqliteBackplane(QueueFile.Open()));
        await using var listener = await TopicListener.OnAsync(one, Articles);
        await using var elsewhere = await TopicListener.OnAsync(two, Topic.OfGroup("others"));

        await one.PublishAsync(Articles, "1"u8.ToArray(), retention: null);
        Assert.Equal("1", await listener.NextAsync());

        Assert.Equal(0, QueueFile.Count("publication"));
    }
}
