using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>A disk that is really full.</summary>
public sealed class SqliteFullDiskTests : IAsyncDisposable
{
    private static readonly ChannelName Channel = "payments";
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly SmallVolume _volume = new(mebibytes: 4);
    private readonly SqliteFile _file;
    private readonly SqliteStore _store;
    private readonly SqliteWorkQueue _queue;

    public SqliteFullDiskTests()
    {
        _file = new SqliteFile(TimeProvider.System, _volume.Path);
        _store = _file.Open();
        _queue = new SqliteWorkQueue(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _file.DisposeAsync();
        _volume.Dispose();
    }

    [Fact]
    public async Task A_full_disk_refuses_messages_lets_workers_empty_the_channel_and_takes_messages_again()
    {
        await using var lease = await _queue.OpenReceiverAsync(new());

        var first = await FillAsync();
        var afterFirst = await EmptyAsync(lease);
        var second = await FillAsync();
        var afterSecond = await EmptyAsync(lease);

        Assert.Equal((first, second), (afterFirst, afterSecond));
        Assert.True(first > 200 && second > 200, $"Only {first} and {second} messages of 3 KB found room on a volume of 4 MB.");
        Assert.Equal(0, _file.Count("message") + _file.Count("channel"));
    }

    [Fact]
    public async Task What_was_finished_while_the_disk_was_full_is_settled_when_there_is_room()
    {
        await using var lease = await _queue.OpenReceiverAsync(new());
        await _queue.EnqueueAsync(Channel, [Of(1, "k"), Of(2, "k")], EnqueueOptions.Default);
        var message = Assert.Single(await lease.ReceiveAsync(Channel, 1));
        _volume.Fill();

        var settling = lease.CompleteAsync(message).AsTask();
        var refused = await Assert.ThrowsAnyAsync<IOException>(() => SendAsync(3));
        var unpublished = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => PublishAsync());

        Assert.Contains("Nothing was stored on channel 'payments'. The disk of the SQLite database", refused.Message, StringComparison.Ordinal);
        Assert.Contains("is full", unpublished.Message, StringComparison.Ordinal);
        Assert.False(settling.IsCompleted);
        _volume.Empty();
        Assert.True(await Wait.For(settling, "the settlement"));
        Assert.True(await lease.CompleteAsync(Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 10).AsTask(), "the next of the key"))));
        await Wait.For(SendAsync(4), "a message to be stored");
        await Wait.For(PublishAsync(), "a message to be published");
        Assert.Equal(1, _file.Count("message"));
    }

    [Fact]
    public async Task A_subscription_that_failed_gets_nothing_and_the_next_one_everything()
    {
        var backplane = new SqliteBackplane(_store);
        var seen = 0;
        _volume.Fill();

        await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(backplane.SubscribeAsync(Articles, _ => seen++).AsTask(), "the failure"));
        _volume.Empty();
        await using var listener = await TopicListener.OnAsync(backplane, Articles);
        await backplane.PublishAsync(Articles, "1"u8.ToArray(), retention: null);

        Assert.Equal("1", await listener.NextAsync());
        Assert.Equal(0, seen);
    }

    [Fact]
    public async Task SQLites_log_does_not_fill_a_small_volume()
    {
        await using var lease = await _queue.OpenReceiverAsync(new());

        for (var i = 0; i < 100; i++)
        {
            await _queue.EnqueueAsync(Channel, Enumerable.Range(0, 20).Select(number => Of(number)).ToArray(), EnqueueOptions.Default);
            await EmptyAsync(lease);
        }

        var log = LogLength();
        Assert.True(log <= 1024 * 1024, $"6 MB went through the database, and its log has {log} bytes.");
    }

    [Fact]
    public async Task Who_is_refused_for_the_want_of_room_costs_nothing_to_those_who_were_there_at_the_same_time()
    {
        using var counter = _file.CountTransactions();
        var other = Database.OpenForWriting(_file.Path, SqliteSynchronous.Normal);
        other.Begin(); // so that they gather
        var first = SendAsync(0);
        var before = Enumerable.Range(1, 20).Select(SendAsync).ToList();

        var refused = _queue.EnqueueAsync(Channel, [Of(21, size: 3 * 1024 * 1024)], EnqueueOptions.Default).AsTask();
        var unpublished = PublishAsync(size: 3 * 1024 * 1024);
        var after = Enumerable.Range(22, 20).Select(SendAsync).ToList();
        var published = PublishAsync();
        other.Rollback();
        other.Dispose();

        Assert.All(await Wait.For(Task.WhenAll([first, .. before, .. after]), "the others to be stored"), stored => Assert.Equal(1, stored));
        Assert.Equal(1, (await Wait.For(published, "the other to be published")).Offset);
        Assert.Contains("is full", (await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(refused, "the refusal"))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(unpublished, "the refusal"));
        Assert.True(counter.Count <= 2, $"The first one and those that gathered behind it took {counter.Count} transactions.");
        Assert.Equal(41, _file.Count("message"));
    }

    [Fact]
    public async Task SQLites_log_is_not_emptied_for_everyone_who_is_refused()
    {
        await FillAsync();
        await Wait.Until(EmptyLog, "SQLite's log was emptied");
        await using var lease = await _queue.OpenReceiverAsync(new());
        await lease.CompleteAsync(Assert.Single(await lease.ReceiveAsync(Channel, 1)));
        var log = LogLength();

        await RefuseAsync();

        Assert.InRange(log, 1, 256 * 1024);
        Assert.Equal(log, LogLength());
    }

    [Fact]
    public async Task What_goes_by_itself_is_published_while_new_messages_find_no_room_any_more()
    {
        await FillAsync();

        var position = await PublishAsync();

        Assert.Equal(1, position.Offset);
    }

    [Fact]
    public async Task A_full_disk_is_logged_once_however_many_are_refused()
    {
        await FillAsync();

        for (var i = 0; i < 5; i++)
            await RefuseAsync();

        Assert.Single(_file.Log.Of(3011));
    }

    private Task<IOException> RefuseAsync() => Assert.ThrowsAnyAsync<IOException>(() => _queue.EnqueueAsync(Channel, [Of(0, size: 1024 * 1024)], EnqueueOptions.Default).AsTask());

    // Not while the store happens to look into the file.
    private bool EmptyLog()
    {
        _file.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        return LogLength() == 0;
    }

    private long LogLength() => new FileInfo(_file.Path + "-wal").Length;

    private async Task<int> FillAsync()
    {
        for (var sent = 0; ; sent++)
        {
            try
            {
                await SendAsync(sent);
            }
            catch (IOException exception)
            {
                Assert.Contains("channel 'payments'", exception.Message, StringComparison.Ordinal);
                Assert.Contains("is full", exception.Message, StringComparison.Ordinal);
                return sent;
            }
        }
    }

    private async Task<int> EmptyAsync(IWorkReceiver lease)
    {
        var handled = 0;
        while ((await _queue.ListChannelsAsync()).Count > 0)
        {
            foreach (var message in await Wait.For(lease.ReceiveAsync(Channel, 100).AsTask(), "messages"))
            {
                Assert.True(await Wait.For(lease.CompleteAsync(message).AsTask(), "a settlement"));
                handled++;
            }
        }
        return handled;
    }

    private Task<int> SendAsync(int number) => _queue.EnqueueAsync(Channel, [Of(number)], EnqueueOptions.Default).AsTask();

    private Task<Position> PublishAsync(int size = 100) => new SqliteBackplane(_store).PublishAsync(Articles, new byte[size], new Retention(10, TimeSpan.FromMinutes(1))).AsTask();

    private static Envelope Of(int number, string? key = null, int size = 3000)
    {
        var body = new byte[size];
        new Random(number).NextBytes(body);
        return new Envelope(new Message("pay", body)) { Id = MessageId.New(TimeProvider.System), Key = key, SentAt = TimeProvider.System.GetUtcNow() };
    }
}
