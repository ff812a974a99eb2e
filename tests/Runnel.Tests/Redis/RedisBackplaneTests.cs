using System.Text;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RedisBackplaneTests(RedisServer server) : BackplaneSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(server);

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(300));

    protected override ValueTask<IBackplane> OpenAsync() => new(new RedisBackplane(_place.Open()));

    protected override ValueTask<int> CountKeptAsync() => new(_place.Kept.Count);

    [Fact]
    public async Task Databases_of_one_server_do_not_hear_each_other()
    {
        var (group, kept) = (Topic.OfGroup("articles"), new Retention(10, TimeSpan.FromMinutes(1)));
        await using var first = new RedisBackplane(_place.Open());
        await using var second = new RedisBackplane(_place.Open(address: $"{server.Address}/1"));
        await using var heard = await TopicListener.OnAsync(second, group);

        await first.PublishAsync(group, "the first's"u8.ToArray(), retention: null);
        await first.PublishAsync(group, "kept by the first"u8.ToArray(), kept);
        await second.PublishAsync(group, "the second's"u8.ToArray(), retention: null);

        Assert.Equal("the second's", await heard.NextAsync());
    }

    [Fact]
    public async Task A_page_of_history_is_no_longer_than_others_can_wait_for()
    {
        var (group, kept) = (Topic.OfGroup("articles"), new Retention(10, TimeSpan.FromMinutes(1)));
        await using var process = new RedisBackplane(_place.Open());
        for (var i = 0; i < 3; i++)
            await process.PublishAsync(group, new byte[600 * 1024], kept);

        var first = await process.ReadHistoryAsync(group, Position.None, 10);
        var second = await process.ReadHistoryAsync(group, first.Messages[^1].Position, 10);

        Assert.Equal((2, true, 1, false), (first.Messages.Count, first.HasMore, second.Messages.Count, second.HasMore));
    }

    [Fact]
    public async Task Who_listens_is_told_when_somebody_has_more_of_a_history_than_the_server_that_took_over()
    {
        var (group, kept) = (Topic.OfGroup("articles"), new Retention(10, TimeSpan.FromMinutes(1)));
        var store = _place.Open();
        await using var process = new RedisBackplane(store);
        await using var heard = await TopicListener.OnAsync(process, group);
        var first = await process.PublishAsync(group, "1"u8.ToArray(), kept);
        Assert.Equal("1", await heard.NextAsync());
        _place.Probe.Ask("SET", store.Keys.Server, "a replica that has the first message only");

        var history = await process.ReadHistoryAsync(group, first with { Offset = 2 }, 10); // whoever asks has the second one, too

        Assert.False(history.IsComplete);
        await Wait.Until(() => heard.Gaps.Count == 1, "who listens is told");
    }

    [Fact]
    public async Task A_position_is_good_until_eight_more_servers_have_taken_over()
    {
        const int Servers = 8;
        var (group, kept) = (Topic.OfGroup("articles"), new Retention(100, TimeSpan.FromMinutes(10)));
        var store = _place.Open();
        await using var process = new RedisBackplane(store);
        var first = await process.PublishAsync(group, "0"u8.ToArray(), kept);
        for (var taken = 1; taken <= Servers; taken++)
            await TakeOverAsync(taken);

        var history = await process.ReadHistoryAsync(group, first, 100);
        await TakeOverAsync(Servers + 1);
        var late = await process.ReadHistoryAsync(group, first, 100);

        Assert.True(history.IsComplete);
        Assert.Equal(Enumerable.Range(1, Servers).Select(taken => $"{taken}"), history.Messages.Select(TopicListener.Text));
        Assert.False(late.IsComplete);

        async Task TakeOverAsync(int taken)
        {
            _place.Probe.Ask("SET", store.Keys.Server, $"server {taken}");
            await process.PublishAsync(group, Encoding.UTF8.GetBytes($"{taken}"), kept);
        }
    }

    [Fact]
    public async Task What_somebody_else_publishes_among_the_messages_of_a_group_is_told_and_costs_none_of_them()
    {
        var group = Topic.OfGroup("articles");
        var store = _place.Open();
        await using var process = new RedisBackplane(store);
        await using var heard = await TopicListener.OnAsync(process, group);
        var connections = _place.Probe.Info("stats")["total_connections_received"];

        foreach (var foreign in (string[])["", "x", "hello", "h"])
            _place.Probe.Ask("PUBLISH", store.Keys.PubSubOf(group), foreign);
        await process.PublishAsync(group, "ours"u8.ToArray(), retention: null);

        Assert.Equal("ours", await heard.NextAsync());
        Assert.Equal(4, _place.Log.Of(4007).Count());
        Assert.Empty(heard.Gaps);
        Assert.Equal(connections, _place.Probe.Info("stats")["total_connections_received"]);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }
}
