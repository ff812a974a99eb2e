using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Stores;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>A Redis that cannot write to its disk: it refuses to store anything (MISCONF), and everything that it has can be read.</summary>
public sealed class RedisFullDiskTests : IAsyncLifetime
{
    private static readonly Topic Articles = Topic.OfGroup("articles");
    private static readonly TimeSpan Age = TimeSpan.FromMinutes(10);

    private readonly ManualTimeProvider _clock = new();
    private RedisServer _server = null!;
    private RedisPlace _place = null!;
    private string _inTheWay = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync(new());
        _place = new RedisPlace(_server, _clock);
        _inTheWay = Path.Combine(_place.Probe.Texts("CONFIG", "GET", "dir")[1], "dump.rdb");
    }

    [Fact]
    public async Task A_process_starts_and_reads_and_hears_what_is_not_stored()
    {
        await using var one = new RedisBackplane(_place.Open());
        var kept = await one.PublishAsync(Articles, "kept"u8.ToArray(), Keep);
        NoteOtherServer();
        await BeFullAsync();

        await using var two = new RedisBackplane(_place.Open());
        await using var listener = await Wait.For(TopicListener.OnAsync(two, Articles), "a subscription");
        var interrupted = new TaskCompletionSource();
        two.StateChanged += _ => interrupted.TrySetResult();
        two.Subscriber.Client.Break();
        await Wait.For(interrupted.Task, "the loss of the connection");

        await Wait.Until(async () =>
        {
            await one.PublishAsync(Articles, "plain"u8.ToArray(), retention: null);
            return listener.Delivered > 0;
        }, "it hears again");
        _clock.Advance(Age * 2); // what has aged cannot be deleted
        Assert.Equal(kept, (await two.ReadHistoryAsync(Articles, Position.None, 10)).Latest);
    }

    [Fact]
    public async Task The_server_is_noted_before_the_next_message_is_kept()
    {
        var store = _place.Open();
        await using var one = new RedisBackplane(_place.Open());
        await using var two = new RedisBackplane(store);
        var before = await one.PublishAsync(Articles, "1"u8.ToArray(), Keep);
        NoteOtherServer();
        await BeFullAsync();
        await store.OpenAsync();

        var refused = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => two.PublishAsync(Articles, "refused"u8.ToArray(), Keep).AsTask());
        await HaveRoomAsync();
        var after = await two.PublishAsync(Articles, "2"u8.ToArray(), Keep);

        Assert.Contains("MISCONF", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before.Offset + 1, after.Offset);
        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.Equal(_place.Probe.Info("replication")["master_replid"], _place.Probe.Text("GET", store.Keys.Server));
    }

    public async ValueTask DisposeAsync()
    {
        await HaveRoomAsync();
        await _place.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static Retention Keep => new(10, Age);

    // As a replica has it that took its master's place.
    private void NoteOtherServer()
    {
        var keys = new RedisKeys(_place.Prefix);
        _place.Probe.Ask("SET", keys.Server, "another");
        _place.Probe.Ask("HSET", keys.PositionOf(Articles), "server", "another");
    }

    private async Task BeFullAsync()
    {
        Directory.CreateDirectory(_inTheWay); // the file cannot take its place
        _place.Probe.Configure("save", "3600 1");
        await SaveAsync("err");
    }

    private async Task HaveRoomAsync()
    {
        if (Directory.Exists(_inTheWay))
            Directory.Delete(_inTheWay);
        await SaveAsync("ok");
    }

    private async Task SaveAsync(string result)
    {
        _place.Probe.Ask("BGSAVE");
        await Wait.Until(() => _place.Probe.Info("persistence") is var facts && facts["rdb_bgsave_in_progress"] == "0" && facts["rdb_last_bgsave_status"] == result, $"saving ends with {result}");
    }
}
