using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Each process has a wire of its own to Redis, which the test cuts.</summary>
public sealed class RedisTopicTests(RedisServer server) : TopicSpecification, IClassFixture<RedisServer>
{
    private static readonly Topic Articles = Topic.OfGroup("articles");
    private static readonly Retention Keep = new(100, TimeSpan.FromMinutes(10));

    private readonly string _prefix = $"test-{Guid.NewGuid():N}"[..24];
    private readonly Dictionary<IBackplane, TcpWire> _wires = [];
    private readonly List<RedisStore> _stores = [];
    private readonly List<IAsyncDisposable> _replicas = [];

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(300));

    protected override async ValueTask<IBackplane> OpenAsync()
    {
        var wire = TcpWire.To(server.Port);
        var store = new RedisStore(new RedisOptions { Address = server.AddressAt(wire.Port), Prefix = _prefix }, TimeProvider.System, NullLogger<RedisStore>.Instance);
        var backplane = new RedisBackplane(store);
        _stores.Add(store);
        _wires.Add(backplane, wire);
        await store.OpenAsync();
        return backplane;
    }

    protected override async Task WhileDeafAsync(IBackplane process, Func<Task> act)
    {
        var wire = _wires[process];
        wire.Cut();
        await Wait.Until(() => process.State == BackplaneState.Interrupted, "the process is cut off");
        await act();
        wire.Heal();
        await Wait.Until(() => process.State == BackplaneState.Connected, "the process is back");
    }

    /// <summary>A replica takes the server's place, and every wire leads to it from then on.</summary>
    protected override async Task<bool> FailOverAsync(Func<Task>? act)
    {
        var replica = await RedisReplica.FollowAsync(server);
        _replicas.Add(replica);

        replica.CutOff();
        if (act is not null)
            await act();
        replica.TakeOver(_wires.Values);
        return true;
    }

    [Fact]
    public async Task A_server_that_is_killed_and_comes_back_with_everything_tells_nothing()
    {
        var (one, two) = (await OpenAsync(), await OpenAsync());
        await using var listener = await TopicListener.OnAsync(two, Articles);
        var before = await one.PublishAsync(Articles, "1"u8.ToArray(), Keep);
        Assert.Equal("1", await listener.NextAsync());

        await server.KillAsync();
        await server.RestartAsync();
        var after = await one.PublishAsync(Articles, "2"u8.ToArray(), Keep);

        Assert.Equal("2", await listener.NextAsync());
        Assert.Empty(listener.Gaps);
        Assert.Equal(before.Offset + 1, after.Offset);
        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.True((await one.ReadHistoryAsync(Articles, before, 10)).IsComplete);
    }

    [Fact]
    public async Task A_history_of_an_older_version_that_noted_no_server_goes_on_in_its_epoch()
    {
        var process = await OpenAsync();
        var before = await process.PublishAsync(Articles, "1"u8.ToArray(), Keep);
        using var probe = server.Connect();
        probe.Ask("HDEL", _stores[0].Keys.PositionOf(Articles), "server");

        var after = await process.PublishAsync(Articles, "2"u8.ToArray(), Keep);

        Assert.Equal(before with { Offset = 2 }, after);
        Assert.NotNull(probe.Text("HGET", _stores[0].Keys.PositionOf(Articles), "server"));
    }

    [Fact]
    public async Task Who_missed_what_a_replica_lacks_is_told_as_soon_as_somebody_comes_who_did_not()
    {
        var (one, two, cutOff) = (await OpenAsync(), await OpenAsync(), await OpenAsync());
        await using var ahead = await TopicListener.OnAsync(two, Articles);
        await using var behind = await TopicListener.OnAsync(cutOff, Articles);
        await one.PublishAsync(Articles, "1"u8.ToArray(), Keep);
        await Wait.Until(() => (ahead.Delivered, behind.Delivered) == (1, 1), "both have the first message");
        await WhileDeafAsync(cutOff, () => FailOverAsync(async () =>
        {
            await one.PublishAsync(Articles, "lost"u8.ToArray(), Keep);
            await Wait.Until(() => ahead.Delivered == 2, "one of the two has what gets lost");
        }));

        await one.PublishAsync(Articles, "2"u8.ToArray(), Keep);

        await Wait.Until(() => ahead.Gaps.Count > 0 && behind.Gaps.Count > 0, "both are told");
        await Wait.Until(() => (ahead.Delivered, behind.Delivered) == (3, 2), "both have the next message");
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var store in _stores)
            await store.DisposeAsync();
        foreach (var wire in _wires.Values)
            await wire.DisposeAsync();
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
    }
}
