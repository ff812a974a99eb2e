using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
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
        await using var lease = await _queue.AcquireLeaseAsync(new());

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
        await using var lease = await _queue.AcquireLeaseAsync(new());
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
        await using var lease = await _queue.AcquireLeaseAsync(new());

        for (var i = 0; i < 100; i++)
        {
            await _queue.EnqueueAsync(Channel, Enumerable.Range(0, 20).Select(number => Of(number)).ToArray(), EnqueueOptions.Default);
            await EmptyAsync(lease);
        }

        var log = new FileInfo(_file.Path + "-wal").Length;
        Assert.True(log <= 1024 * 1024, $"6 MB went through the database, and its log has {log} bytes.");
    }

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

    private async Task<int> EmptyAsync(IWorkerLease lease)
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

    private Task<Position> PublishAsync() => new SqliteBackplane(_store).PublishAsync(Articles, new byte[100], new Retention(10, TimeSpan.FromMinutes(1))).AsTask();

    private static Envelope Of(int number, string? key = null)
    {
        var body = new byte[3000];
        new Random(number).NextBytes(body);
        return new Envelope(new Message("pay", body)) { Id = MessageId.New(TimeProvider.System), Key = key, SentAt = TimeProvider.System.GetUtcNow() };
    }
}
