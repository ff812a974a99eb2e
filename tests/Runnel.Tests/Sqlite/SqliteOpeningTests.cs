using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>How a store opens, and what is over when it has closed.</summary>
public sealed class SqliteOpeningTests : SqliteFileTests
{
    [Theory]
    [InlineData(SqliteSynchronous.Full, 2)]
    [InlineData(SqliteSynchronous.Normal, 1)]
    public async Task What_a_stored_message_survives_is_as_the_option_says(SqliteSynchronous synchronous, int level)
    {
        var store = QueueFile.Open(options => options.Synchronous = synchronous);

        Assert.Equal(level, await store.RunAsync(static transaction => transaction.Database.ReadNumber("PRAGMA synchronous")));
        Assert.Equal(SqliteSynchronous.Full, new SqliteOptions().Synchronous);
    }

    [Theory]
    [InlineData(SqliteSynchronous.Full, 2)]
    [InlineData(SqliteSynchronous.Normal, 1)]
    public async Task What_need_not_survive_a_power_cut_does_not_change_what_others_survive(SqliteSynchronous synchronous, int level)
    {
        var store = QueueFile.Open(options => options.Synchronous = synchronous);

        Assert.Equal(1, await store.RunPassingAsync(static transaction => transaction.Database.ReadNumber("PRAGMA synchronous")));
        Assert.Equal(level, await store.RunAsync(static transaction => transaction.Database.ReadNumber("PRAGMA synchronous")));
    }

    [Fact]
    public void A_folder_and_a_file_in_a_folder_that_does_not_exist_are_told_apart()
    {
        var folder = Assert.ThrowsAny<IOException>(() => QueueFile.Open(options => options.Path = Path.GetTempPath()));
        var missing = Assert.ThrowsAny<IOException>(() => QueueFile.Open(options => options.Path = "/no-such-folder/queue.db"));

        Assert.Contains("it is a folder", folder.Message, StringComparison.Ordinal);
        Assert.Contains("its folder does not exist", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_has_closed_refuses_everything_and_its_workers_are_told()
    {
        var store = QueueFile.Open();
        var (queue, backplane) = (new SqliteWorkQueue(store), new SqliteBackplane(store));
        var lease = await queue.OpenReceiverAsync(new());

        await store.DisposeAsync();
        await store.DisposeAsync();

        Assert.False(lease.IsHeld);
        await Wait.Until(() => lease.Lost.IsCancellationRequested, "the worker is told");
        await lease.DisposeAsync();
        foreach (var call in (Func<Task>[])
        [
            () => queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default).AsTask(),
            () => queue.OpenReceiverAsync(new()).AsTask(),
            () => queue.ListChannelsAsync().AsTask(),
            () => queue.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 1).AsTask(),
            () => backplane.PublishAsync(Articles, default, retention: null).AsTask(),
            () => backplane.ReadHistoryAsync(Articles, Position.None, 1).AsTask(),
        ])
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(call(), "the refusal"));
        }
    }

    [Fact]
    public async Task A_sender_that_waits_for_room_is_told_that_the_store_closes()
    {
        var store = QueueFile.Open();
        var queue = new SqliteWorkQueue(store);
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1000) };
        await queue.EnqueueAsync(Channel, [Of("1")], options);
        var waiting = queue.EnqueueAsync(Channel, [Of("2")], options).AsTask();
        await Wait.Until(() => QueueFile.Count("channel WHERE wanted = 1") == 1, "the sender waits");

        await store.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(waiting, "the refusal"));
    }

    [Fact]
    public async Task A_process_that_heard_nothing_for_long_is_told_of_no_gap()
    {
        var (publishes, listens) = (QueueFile.Open(), QueueFile.Open());
        await using var listener = await TopicListener.OnAsync(new SqliteBackplane(listens), Articles);
        await Clock.AdvanceAsync(TimeSpan.FromHours(1));
        var rounds = listens.Writer.Rounds;
        await Wait.Until(() => listens.Writer.Rounds > rounds + 2, "it has looked since");

        await new SqliteBackplane(publishes).PublishAsync(Articles, "1"u8.ToArray(), retention: null);

        Assert.Equal("1", await listener.NextAsync());
        Assert.Empty(listener.Gaps);
    }
}
