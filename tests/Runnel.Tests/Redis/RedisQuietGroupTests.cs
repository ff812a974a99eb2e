using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Resp;
using Runnel.Redis.Stores;
using Runnel.Specification;
using Runnel.Tests.Recovery;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Redis keeps the time itself: it passes by what is left to each key.</summary>
public sealed class RedisQuietGroupTests : QuietGroupSpecification, IClassFixture<RedisServer>, IAsyncDisposable
{
    private readonly RedisPlace _place;

    public RedisQuietGroupTests(RedisServer server) => _place = new RedisPlace(server, Clock);

    [Fact]
    public async Task A_position_is_remembered_from_soon_after_somebody_listens_until_nobody_does()
    {
        var (one, other) = (Topic.OfGroup("one"), Topic.OfGroup("other"));
        var store = _place.Open();
        await using var process = new RedisBackplane(store);
        foreach (var topic in new[] { one, other })
            await process.PublishAsync(topic, "1"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(1)));
        Pass();

        var leaves = await process.SubscribeAsync(one, _ => { });
        Clock.Advance(TimeSpan.FromSeconds(1));
        await Wait.Until(() => HoursLeft(one) > 23, "it is remembered for a day again");
        await using var stays = await process.SubscribeAsync(other, _ => { });
        await leaves.DisposeAsync();
        Pass();

        await Wait.Until(() => Passes(other), "the other one is remembered for a day again");
        Assert.InRange(HoursLeft(one), 18, 20);

        double HoursLeft(Topic topic) => _place.Probe.TimeToLive(store.Keys.PositionOf(topic))!.Value.TotalHours;

        bool Passes(Topic topic)
        {
            Clock.Advance(TimeSpan.FromHours(1));
            return HoursLeft(topic) > 23;
        }

        void Pass() => Shorten(TimeSpan.FromHours(4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_the_times_that_positions_are_remembered_for_the_shortest_says_when_they_are_kept_again(bool shortestFirst)
    {
        var store = _place.Open();
        await using var process = new RedisBackplane(store);
        var topics = new[] { Topic.OfGroup("short"), Topic.OfGroup("long") };
        foreach (var (i, topic) in topics.Index())
            await process.PublishAsync(topic, "1"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(1)) { PositionAge = TimeSpan.FromHours(1 + i) });

        var writer = RedisScript.Keep.Run(keys: 3, arguments: 0);
        writer.Add(store.Keys.PositionOf(Topic.OfGroup("none")));
        foreach (var topic in shortestFirst ? topics : topics.AsEnumerable().Reverse())
            writer.Add(store.Keys.PositionOf(topic));

        Assert.Equal(TimeSpan.FromHours(1).TotalMilliseconds, (await store.Commands.ExecuteAsync(writer.Written)).AsNumber());
    }

    [Fact]
    public async Task A_position_that_is_remembered_for_an_hour_is_kept_again_long_before_that_is_over()
    {
        var topic = Topic.OfGroup("short");
        var store = _place.Open();
        await using var process = new RedisBackplane(store);
        await process.PublishAsync(topic, "1"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(1)) { PositionAge = TimeSpan.FromHours(1) });
        await using var listening = await process.SubscribeAsync(topic, static _ => { });
        var position = store.Keys.PositionOf(topic);
        _place.Probe.ForgetCommandCalls();
        var armed = Clock.ArmedTimers;
        Clock.Advance(TimeSpan.FromSeconds(1));
        await Wait.Until(() => Kept() == 1 && Clock.ArmedTimers == armed, "it is kept once, soon after somebody listens, and the timer for the next time is set");

        // The timer for the next time is set when the answer is here, which may be after the clock has moved.
        for (var passed = 0; passed < 40 && Kept() < 2; passed++)
        {
            Clock.Advance(TimeSpan.FromMinutes(1));
            await store.Commands.ExecuteAsync(RespWriter.Encode("PING"));
        }
        await Wait.Until(() => Kept() == 2, "it is kept again long before the hour is over");

        long Kept() => _place.Probe.Exists(position) ? _place.Probe.CommandCalls().GetValueOrDefault("pexpire") : 0;
    }

    [Fact]
    public async Task A_position_that_could_not_be_kept_is_kept_as_soon_as_Redis_writes_again()
    {
        var topic = Topic.OfGroup("one");
        var store = _place.Open();
        await using var process = new RedisBackplane(store);
        await process.PublishAsync(topic, "1"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(1)));
        await using var listening = await process.SubscribeAsync(topic, static _ => { });
        Shorten(TimeSpan.FromHours(4));
        _place.Probe.ForgetCommandCalls();

        _place.Probe.Configure("min-replicas-to-write", "1"); // NOREPLICAS
        var armed = Clock.ArmedTimers;
        Clock.Advance(TimeSpan.FromSeconds(1));
        await Wait.Until(
            () => _place.Probe.Info("errorstats").ContainsKey("errorstat_NOREPLICAS") && Clock.ArmedTimers == armed, "it is refused, and the timer for the next try is set");
        _place.Probe.Configure("min-replicas-to-write", "0");

        var seconds = 0;
        await Wait.Until(
            () =>
            {
                if (seconds++ < 600)
                    Clock.Advance(TimeSpan.FromSeconds(1));
                return _place.Probe.TimeToLive(store.Keys.PositionOf(topic))!.Value.TotalHours > 23;
            },
            "it is remembered for a day again");
    }

    protected override IBackplane Open() => _place.OpenBackplane();

    protected override async Task AdvanceAsync(TimeSpan by)
    {
        await base.AdvanceAsync(by);
        Shorten(by);
    }

    protected override async Task AdvanceWithMembersAsync(TimeSpan by)
    {
        var step = TimeSpan.FromHours(12);
        for (var passed = TimeSpan.Zero; passed < by; passed += step)
        {
            Shorten(step);
            await Wait.Until(
                () =>
                {
                    Clock.Advance(TimeSpan.FromHours(1));
                    return _place.Probe.Keys($"{_place.Prefix}:*:position").All(key => _place.Probe.TimeToLive(key) > step);
                },
                "the positions are remembered for longer");
        }
    }

    private void Shorten(TimeSpan by)
    {
        foreach (var key in _place.Probe.Keys($"{_place.Prefix}:*"))
        {
            if (_place.Probe.TimeToLive(key) is { } left)
                _place.Probe.Ask("PEXPIRE", key, $"{(long)(left - by).TotalMilliseconds}");
        }
    }

    public ValueTask DisposeAsync() => _place.DisposeAsync();
}
