using System.Text;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What wakes a process that does not look into the file by itself.</summary>
public sealed class SqliteBellTests : IAsyncDisposable
{
    private static readonly ChannelName Channel = "payments";

    private readonly ManualClock _clock = new();
    private readonly SqliteFile _file;

    public SqliteBellTests() => _file = new SqliteFile(_clock.TimeProvider);

    public ValueTask DisposeAsync() => _file.DisposeAsync();

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
        await Wait.Until(() => _file.Count("worker") == 2, "the other worker waits");

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
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = _clock.Units(1000) };
        var message = Of("1");
        await HeardAsync(otherStore, acts.EnqueueAsync(Channel, [message], options));
        var waiting = waits.EnqueueAsync(Channel, [Of("2")], options).AsTask();
        await Wait.Until(() => _file.Count("channel WHERE wanted = 1") == 1, "the sender waits");

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

        await _clock.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.Equal("later", Text(Assert.Single(await Wait.For(receiving, "the message"))));
        foreach (var (gone, count) in new[] { ("message WHERE expires IS NOT NULL", 1), ("remembered", 1), ("dead", 1), ("publication", 1), ("topic", 1) })
        {
            Assert.Equal(count, _file.Count(gone));
            await _clock.AdvanceAsync(TimeSpan.FromHours(1));
            await Wait.Until(() => _file.Count(gone) == 0, $"nothing is left in {gone}");
        }
    }

    // What is rung for now must not be heard when the test is about what comes later.
    private static async Task HeardAsync(SqliteStore store, ValueTask<int> storing)
    {
        await storing;
        await Wait.Until(() => store.Writer.Rounds > 0, "the other process has heard the bell");
    }

    // It does not look into the file by itself.
    private SqliteStore Open(Action<SqliteOptions>? configure = null) => _file.Open(options =>
    {
        options.LookInterval = TimeSpan.FromHours(1);
        configure?.Invoke(options);
    });

    private Envelope Of(string text, string? key = null) =>
        new(new Message("pay", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(_clock.TimeProvider), Key = key, SentAt = _clock.Now };

    private static string Text(ReceivedMessage message) => Encoding.UTF8.GetString(message.Envelope.Message.Body.Span);
}
