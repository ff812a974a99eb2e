using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What is SQLite's own: the file, and who shares it.</summary>
public sealed class SqliteStoreTests : SqliteFileTests
{
    [Fact]
    public async Task What_was_stored_is_there_when_the_file_is_opened_again()
    {
        await using (var store = QueueFile.Open())
            await new SqliteWorkQueue(store).EnqueueAsync(Channel, [Of("1", "k"), Of("2", "k")], EnqueueOptions.Default);
        var queue = new SqliteWorkQueue(QueueFile.Open());
        await using var lease = await queue.OpenReceiverAsync(new());

        foreach (var text in new[] { "1", "2" })
        {
            var message = Assert.Single(await lease.ReceiveAsync(Channel, 10));
            Assert.Equal(text, Text(message));
            await lease.CompleteAsync(message);
        }
    }

    [Fact]
    public async Task A_store_that_closes_hands_back_what_its_workers_hold_and_leaves_no_files()
    {
        var leaves = QueueFile.Open();
        var stays = new SqliteWorkQueue(QueueFile.Open());
        await stays.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        var lease = await new SqliteWorkQueue(leaves).OpenReceiverAsync(new());
        await lease.ReceiveAsync(Channel, 1);

        await leaves.DisposeAsync();

        await using var other = await stays.OpenReceiverAsync(new());
        Assert.Equal(0, Assert.Single(await other.ReceiveAsync(Channel, 1)).Envelope.Crashes);
        Assert.Single(Directory.GetFiles(QueueFile.Path + ".bell", "*.lock"));
        Assert.Single(Directory.GetFiles(QueueFile.Path + ".bell", "*.sock"));
    }

    [Fact]
    public async Task A_store_that_closes_while_a_worker_waits_does_not_hand_that_one_what_the_others_held()
    {
        var leaves = QueueFile.Open();
        var (queue, stays) = (new SqliteWorkQueue(leaves), new SqliteWorkQueue(QueueFile.Open()));
        await queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await (await queue.OpenReceiverAsync(new())).ReceiveAsync(Channel, 1);
        var waiting = (await queue.OpenReceiverAsync(new())).ReceiveAsync(Channel, 1).AsTask();
        await Wait.Until(() => QueueFile.Count("worker") == 2, "the second worker waits");

        await leaves.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(waiting, "its wait to end"));
        await using var other = await stays.OpenReceiverAsync(new());
        Assert.Equal("1", Text(Assert.Single(await Wait.For(other.ReceiveAsync(Channel, 1).AsTask(), "the message"))));
    }

    [Fact]
    public async Task The_death_of_a_process_that_holds_messages_is_noticed_within_five_looks_of_20_ms()
    {
        const int Promised = 5; // of 20 ms: counted and not timed, since a busy machine makes each look take longer
        var (noticed, worst) = (0L, 0L);
        SqliteStore? store = null;
        using var log = new RecordedLog
        {
            Logged = eventId =>
            {
                if (eventId == 3002)
                    noticed = store!.Writer.Rounds;
            },
        };
        using var loggers = new LoggerFactory([log]);
        store = SqliteStore.Open(new SqliteOptions { Path = QueueFile.Path }, Clock.TimeProvider, loggers.CreateLogger<SqliteStore>());
        await new SqliteWorkQueue(store).EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);

        for (var deaths = 1; deaths <= 5; deaths++)
        {
            var dies = QueueFile.Open();
            await (await new SqliteWorkQueue(dies).OpenReceiverAsync(new())).ReceiveAsync(Channel, 1);
            await store.RunAsync(_ => true); // it knows now who holds the message
            await dies.CrashAsync();
            var died = store.Writer.Rounds;
            await Wait.Until(() => QueueFile.Count("node") == 1, "the death was noticed");
            worst = Math.Max(worst, noticed - died);
        }
        await store.DisposeAsync();

        Assert.True(worst <= Promised, $"It took {worst} looks.");
        Assert.Equal(TimeSpan.FromMilliseconds(20), new SqliteOptions().LookInterval);
    }

    [Fact]
    public async Task A_process_of_an_older_version_that_shares_the_file_does_not_put_aside_what_a_dead_worker_held()
    {
        var store = QueueFile.Open();
        await new SqliteWorkQueue(store).EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await using var receiver = await new SqliteWorkQueue(store).OpenReceiverAsync(new());

        await receiver.ReceiveAsync(Channel, 1);

        using var database = Database.OpenForReading(QueueFile.Path);
        Assert.Equal(int.MaxValue, database.ReadNumber("SELECT crash_limit FROM worker"));
    }

    [Fact]
    public void SQLite_waits_in_parts_of_a_second_and_not_in_whole_ones()
    {
        // A library that was built without nanosleep would stop its caller for a whole second wherever it waits, and answer 1000.
        Assert.Equal(1, Sleep(1));
    }

    [Fact]
    public async Task A_path_too_long_for_a_socket_works_without_bells()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(QueueFile.Path)!, new string('d', 120)));
        var path = Path.Combine(folder.FullName, "queue.db");
        await using var one = Open(path);
        await using var two = Open(path);
        await using var lease = await new SqliteWorkQueue(two).OpenReceiverAsync(new());
        var receiving = lease.ReceiveAsync(Channel, 1).AsTask();

        await new SqliteWorkQueue(one).EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);

        Assert.Equal("1", Text(Assert.Single(await Wait.For(receiving, "the message"))));
    }

    [Fact]
    public async Task Large_messages_come_back_whole_and_leave_nothing()
    {
        var queue = new SqliteWorkQueue(QueueFile.Open());
        await using var lease = await queue.OpenReceiverAsync(new());
        var text = new string('x', 300_000);
        await queue.EnqueueAsync(Channel, [Of(text)], EnqueueOptions.Default);

        var first = Assert.Single(await lease.ReceiveAsync(Channel, 1));
        await lease.AbandonAsync(first, new AbandonOptions { Body = Encoding.UTF8.GetBytes(text + "y") });
        var second = Assert.Single(await lease.ReceiveAsync(Channel, 1));
        await lease.DeadLetterAsync(second, DeadLetterReason.Rejected, "no");
        var dead = Assert.Single(await queue.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10));
        await queue.ReplayAsync(Channel, DeadLetterFilter.All);
        var third = Assert.Single(await lease.ReceiveAsync(Channel, 1));
        await lease.CompleteAsync(third);

        Assert.Equal(text, Text(first));
        Assert.Equal([text + "y", text + "y"], new[] { Encoding.UTF8.GetString(dead.Envelope.Message.Body.Span), Text(third) });
        Assert.Equal(0, QueueFile.Count("message") + QueueFile.Count("large") + QueueFile.Count("dead") + QueueFile.Count("channel"));
    }

    [Fact]
    public async Task Dead_letters_are_kept_for_their_retention()
    {
        var queue = new SqliteWorkQueue(QueueFile.Open(options => options.DeadLetterRetention = TimeSpan.FromDays(2)));
        await using var lease = await queue.OpenReceiverAsync(new());
        await queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await lease.DeadLetterAsync(Assert.Single(await lease.ReceiveAsync(Channel, 1)), DeadLetterReason.Rejected, null);

        await Clock.AdvanceAsync(TimeSpan.FromDays(2) - TimeSpan.FromTicks(1));
        Assert.Single(await queue.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10));
        await Clock.AdvanceAsync(TimeSpan.FromTicks(1));

        await Wait.Until(async () => (await queue.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10)).Count == 0, "the dead letter was forgotten");
        await Wait.Until(() => QueueFile.Count("message") + QueueFile.Count("dead") + QueueFile.Count("channel") == 0, "nothing is left of it");
    }

    [Fact]
    public async Task A_deduplication_id_is_kept_for_its_window()
    {
        var queue = new SqliteWorkQueue(QueueFile.Open());
        await queue.EnqueueAsync(Channel, [Of("1") with { DeduplicationId = "nonce", DeduplicationWindow = Clock.Units(2) }], EnqueueOptions.Default);
        Assert.Equal(1, QueueFile.Count("remembered"));

        await Clock.AdvanceAsync(3);

        await Wait.Until(() => QueueFile.Count("remembered") == 0, "the id is gone");
    }

    [Fact]
    public async Task A_message_that_cannot_be_read_is_put_aside_where_an_operator_sees_it()
    {
        var store = QueueFile.Open();
        var queue = new SqliteWorkQueue(store);
        await queue.EnqueueAsync(Channel, [Of("1"), Of("2")], EnqueueOptions.Default);
        await store.RunAsync(transaction =>
        {
            transaction.Database.Execute("UPDATE message SET body = x'63' || substr(body, 2) WHERE place = (SELECT min(place) FROM message)");
            return true;
        });
        await using var lease = await queue.OpenReceiverAsync(new());

        Assert.Equal("2", Text(Assert.Single(await lease.ReceiveAsync(Channel, 10))));

        var dead = Assert.Single(await queue.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10));
        Assert.Equal(DeadLetterReason.Unreadable, dead.Reason);
        Assert.Contains("version 99", dead.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lease_that_was_made_while_its_process_got_a_new_name_is_lost_and_holds_nothing()
    {
        var (one, two) = (QueueFile.Open(), QueueFile.Open());
        var queue = new SqliteWorkQueue(one);
        var old = one.Writer.Neighbours.Self;
        File.Delete(Path.Combine(QueueFile.Path + ".bell", old.Name + ".lock"));
        await Wait.Until(() => one.Writer.Neighbours.Self != old, "the process has joined again");
        await using var lease = new SqliteWorkReceiver(one, one.Writer.Leases.Add(old)); // who asked just before
        await queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);

        await Assert.ThrowsAsync<LeaseLostException>(() => Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the lease is lost"));

        await Wait.Until(() => lease.Lost.IsCancellationRequested, "the worker is told");
        await using var next = await new SqliteWorkQueue(two).OpenReceiverAsync(new());
        Assert.Equal(0, Assert.Single(await next.ReceiveAsync(Channel, 1)).Envelope.Crashes);
    }

    [Fact]
    public async Task A_process_whose_lock_file_was_deleted_loses_its_workers_and_goes_on()
    {
        var (one, two) = (QueueFile.Open(), QueueFile.Open());
        var (queue, other) = (new SqliteWorkQueue(one), new SqliteWorkQueue(two));
        await queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await using var lost = await queue.OpenReceiverAsync(new());
        var held = Assert.Single(await lost.ReceiveAsync(Channel, 1));
        await using var lease = await other.OpenReceiverAsync(new());

        File.Delete(Path.Combine(QueueFile.Path + ".bell", one.Writer.Neighbours.Self.Name + ".lock"));

        Assert.Equal(1, Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the message")).Envelope.Crashes);
        await Wait.Until(() => lost.Lost.IsCancellationRequested, "the lease is lost");
        Assert.False(await lost.CompleteAsync(held));
        await queue.EnqueueAsync(Channel, [Of("2")], EnqueueOptions.Default);
        await using var again = await queue.OpenReceiverAsync(new());
        Assert.Equal("2", Text(Assert.Single(await Wait.For(again.ReceiveAsync(Channel, 1).AsTask(), "the next message"))));
    }

    [Fact]
    public async Task A_history_goes_on_in_its_epoch_while_any_process_subscribes_to_the_topic()
    {
        var (backplane, listens) = (new SqliteBackplane(QueueFile.Open()), new SqliteBackplane(QueueFile.Open()));
        var retention = new Retention(10, Clock.Units(1)) { PositionAge = Clock.Units(1) };
        var subscription = await listens.SubscribeAsync(Articles, _ => { });
        var first = await backplane.PublishAsync(Articles, "1"u8.ToArray(), retention);
        await Clock.AdvanceAsync(100);
        await Wait.Until(() => QueueFile.Count("publication") == 0, "the history was swept");

        Assert.True((await backplane.ReadHistoryAsync(Articles, first, 10)).IsComplete);
        var second = await backplane.PublishAsync(Articles, "2"u8.ToArray(), retention);
        await subscription.DisposeAsync();
        await Clock.AdvanceAsync(100);
        var third = await backplane.PublishAsync(Articles, "3"u8.ToArray(), retention);

        Assert.Equal(first with { Offset = 2 }, second);
        Assert.NotEqual(first.Epoch, third.Epoch);
    }

    [Fact]
    public async Task A_file_at_rest_is_not_written_to()
    {
        var (store, queue) = (QueueFile.Open(), new SqliteWorkQueue(QueueFile.Open()));
        await using var lease = await queue.OpenReceiverAsync(new());
        var waiting = lease.ReceiveAsync(Channel, 1).AsTask();
        await new SqliteWorkQueue(store).EnqueueAsync("elsewhere", [Of("1")], EnqueueOptions.Default);
        await Wait.Until(() => QueueFile.Count("worker") == 1, "the worker waits");
        using var watcher = Database.OpenForReading(QueueFile.Path);
        var before = watcher.DataVersion();

        await Clock.AdvanceAsync(TimeSpan.FromHours(1));
        for (var looks = 0; looks < 100; looks++) // of both writers, each in its own time
            await store.RunAsync(_ => true);

        Assert.Equal(before, watcher.DataVersion());
        Assert.False(waiting.IsCompleted);
    }

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_sleep")]
    private static extern int Sleep(int milliseconds);

    private SqliteStore Open(string path) => SqliteStore.Open(new SqliteOptions { Path = path }, Clock.TimeProvider, NullLogger<SqliteStore>.Instance);
}
