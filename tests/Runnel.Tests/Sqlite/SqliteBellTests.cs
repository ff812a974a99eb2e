using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What wakes a process that does not look into the file by itself.</summary>
public sealed class SqliteBellTests : SqliteFileTests
{
    [Theory]
    [InlineData("give back")]
    [InlineData("leave")]
    [InlineData("complete")]
    [InlineData("replay")]
    public async Task A_worker_of_another_process_hears_of_what_is_there_for_it(string how)
    {
        var (store, otherStore) = (Open(), Open());
        var (acts, waits) = (new SqliteWorkQueue(store), new SqliteWorkQueue(otherStore));
        var lease = await acts.OpenReceiverAsync(new());
        await HeardAsync(otherStore, acts.EnqueueAsync(Channel, [Of("1", "k"), Of("2", "k")], EnqueueOptions.Default));
        var held = Assert.Single(await lease.ReceiveAsync(Channel, 10));
        if (how == "replay")
        {
            await lease.DeadLetterAsync(held, DeadLetterReason.Rejected, null);
            await lease.CompleteAsync(Assert.Single(await lease.ReceiveAsync(Channel, 10)));
        }
        await using var other = await waits.OpenReceiverAsync(new());
        var receiving = other.ReceiveAsync(Channel, 1).AsTask();
        await Wait.Until(() => QueueFile.Count("worker") == 2, "the other worker waits");

        await (how switch
        {
            "give back" => lease.AbandonAsync(held, AbandonOptions.Untouched).AsTask(),
            "leave" => lease.DisposeAsync().AsTask(),
            "complete" => lease.CompleteAsync(held).AsTask(),
            _ => acts.ReplayAsync(Channel, DeadLetterFilter.All).AsTask(),
        });

        Assert.Equal(how == "complete" ? "2" : "1", Text(Assert.Single(await Wait.For(receiving, "the message"))));
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("flush")]
    public async Task A_sender_of_another_process_hears_of_room(string how)
    {
        var (store, otherStore) = (Open(), Open());
        var (acts, waits) = (new SqliteWorkQueue(store), new SqliteWorkQueue(otherStore));
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1000) };
        var message = Of("1");
        await HeardAsync(otherStore, acts.EnqueueAsync(Channel, [message], options));
        var waiting = waits.EnqueueAsync(Channel, [Of("2")], options).AsTask();
        await Wait.Until(() => QueueFile.Count("channel WHERE wanted = 1") == 1, "the sender waits");

        if (how == "cancel")
            Assert.True(await acts.CancelAsync(Channel, message.Id));
        else
            await acts.FlushAsync();

        Assert.Equal(1, await Wait.For(waiting, "room"));
    }

    [Fact]
    public async Task The_clock_alone_brings_what_is_due_and_sweeps_what_has_ended()
    {
        var store = Open(options => options.DeadLetterRetention = TimeSpan.FromHours(4));
        var (queue, backplane) = (new SqliteWorkQueue(store), new SqliteBackplane(store));
        await using var lease = await queue.OpenReceiverAsync(new());
        await queue.EnqueueAsync(Channel, [Of("dies")], EnqueueOptions.Default);
        await lease.DeadLetterAsync(Assert.Single(await lease.ReceiveAsync(Channel, 1)), DeadLetterReason.Rejected, null);
        await queue.EnqueueAsync("others", [Of("expires") with { TimeToLive = TimeSpan.FromHours(2) }], EnqueueOptions.Default);
        await queue.EnqueueAsync("others", [Of("once") with { DeduplicationId = "nonce", DeduplicationWindow = TimeSpan.FromHours(3) }], EnqueueOptions.Default);
        await backplane.PublishAsync(Topic.OfGroup("articles"), "1"u8.ToArray(), new Retention(10, TimeSpan.FromHours(5)) { PositionAge = TimeSpan.FromHours(6) });
        await queue.EnqueueAsync(Channel, [Of("later") with { Delay = TimeSpan.FromHours(1) }], EnqueueOptions.Default);
        var receiving = lease.ReceiveAsync(Channel, 1).AsTask();
        await store.RunAsync(_ => true); // and with that the worker waits

        await Clock.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.Equal("later", Text(Assert.Single(await Wait.For(receiving, "the message"))));
        foreach (var (gone, count) in new[] { ("message WHERE expires IS NOT NULL", 1), ("remembered", 1), ("dead", 1), ("publication", 1), ("topic", 1) })
        {
            Assert.Equal(count, QueueFile.Count(gone));
            await Clock.AdvanceAsync(TimeSpan.FromHours(1));
            await Wait.Until(() => QueueFile.Count(gone) == 0, $"nothing is left in {gone}");
        }
    }

    [Fact]
    public async Task The_bell_tells_other_processes_of_messages_of_publications_and_of_room()
    {
        var (one, two) = (Open(), Open());
        var (sends, works) = (new SqliteWorkQueue(one), new SqliteWorkQueue(two));
        await using var listener = await TopicListener.OnAsync(new SqliteBackplane(two), Articles);
        await using var lease = await works.OpenReceiverAsync(new());
        var receiving = lease.ReceiveAsync(Channel, 1).AsTask();
        await Wait.Until(() => QueueFile.Count("worker") == 1, "the worker waits");
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1000) };

        await sends.EnqueueAsync(Channel, [Of("1")], options);
        Assert.Equal("1", Text(Assert.Single(await Wait.For(receiving, "the message"))));

        await new SqliteBackplane(one).PublishAsync(Articles, "2"u8.ToArray(), retention: null);
        Assert.Equal("2", await listener.NextAsync());

        await sends.EnqueueAsync(Channel, [Of("3")], options);
        var waiting = sends.EnqueueAsync(Channel, [Of("4")], options).AsTask();
        await Wait.Until(() => QueueFile.Count("channel WHERE wanted = 1") == 1, "the sender waits");
        Assert.Equal("3", Text(Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the next message"))));
        Assert.Equal(1, await Wait.For(waiting, "room"));
    }

    [Fact]
    public async Task All_who_wait_get_messages_at_once_though_they_want_more_than_one_transaction_hands_out()
    {
        const int Each = 800;
        var queue = new SqliteWorkQueue(Open());
        await using var lease = await queue.OpenReceiverAsync(new());
        var waiting = Enumerable.Range(0, 3).Select(_ => lease.ReceiveAsync(Channel, Each).AsTask()).ToList();

        await queue.EnqueueAsync(Channel, [.. Enumerable.Range(0, 2 * Each).Select(i => Of($"{i}"))], EnqueueOptions.Default);

        var received = await Wait.For(Task.WhenAll(waiting), "all three");
        Assert.Equal(2 * Each, received.Sum(messages => messages.Count));
    }

    [Fact]
    public async Task Who_waits_for_room_hears_of_it_from_another_process()
    {
        var (one, two) = (new SqliteWorkQueue(QueueFile.Open()), new SqliteWorkQueue(QueueFile.Open()));
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(10) };
        await one.EnqueueAsync(Channel, [Of("1")], options);
        var waiting = one.EnqueueAsync(Channel, [Of("2")], options).AsTask();

        await using var lease = await two.OpenReceiverAsync(new());
        Assert.Equal("1", Text(Assert.Single(await lease.ReceiveAsync(Channel, 1))));

        Assert.Equal(1, await Wait.For(waiting, "room"));
    }

    // What is rung for now must not be heard when the test is about what comes later.
    private static async Task HeardAsync(SqliteStore store, ValueTask<int> storing)
    {
        await storing;
        await Wait.Until(() => store.Writer.Rounds > 0, "the other process has heard the bell");
    }

    // It does not look into the file by itself.
    private SqliteStore Open(Action<SqliteOptions>? configure = null) => QueueFile.Open(options =>
    {
        options.LookInterval = TimeSpan.FromHours(1);
        configure?.Invoke(options);
    });
}
