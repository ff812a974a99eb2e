using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Connections;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What an operator reads of a Redis that is away, or refuses.</summary>
public sealed class RedisOutageLogTests(RedisServer server) : IClassFixture<RedisServer>, IDisposable
{
    private const int Lost = 4000, StillAway = 4001, Back = 4022;
    private const int Refused = 4013, StillRefused = 4030, NotRefused = 4031;

    private readonly RecordedLog _log = new();
    private readonly ManualTimeProvider _time = new();
    private readonly object _one = new(), _two = new();

    [Fact]
    public void An_outage_of_many_connections_is_told_once_and_so_is_its_end_with_how_long_it_lasted()
    {
        var outage = NewOutage();

        outage.Lost(_one, Now, "the server closed the connection");
        outage.Lost(_two, Now, "the server closed the connection");
        _time.Advance(TimeSpan.FromSeconds(2.5));
        outage.Over(_one, Now);
        _time.Advance(TimeSpan.FromSeconds(0.5));
        outage.Over(_two, Now);

        Assert.Equal(["Redis at cache:6379 is away (the server closed the connection); it is connected to anew until it is back."], Told(Lost));
        Assert.Equal(["Redis at cache:6379 is back; it was away for 3.0 s."], Told(Back));
        Assert.Empty(Told(StillAway));
    }

    [Fact]
    public void A_connection_that_nobody_waits_for_any_more_does_not_keep_the_outage_from_ending()
    {
        var outage = NewOutage();

        outage.Lost(_one, Now, "the server closed the connection");
        outage.Lost(_two, Now, "the server closed the connection");
        _time.Advance(TimeSpan.FromSeconds(2));
        outage.Over(_one, Now);
        Assert.Empty(Told(Back));
        outage.Forget(_two);

        Assert.Equal(["Redis at cache:6379 is back; it was away for 2.0 s."], Told(Back));
    }

    [Fact]
    public void That_nobody_waits_any_more_does_not_say_that_Redis_is_back()
    {
        var outage = NewOutage();
        outage.Lost(_one, Now, "the server closed the connection");
        outage.Over(_one, Now);

        outage.Failed(_one, "Nobody listens.");
        outage.Forget(_one);

        Assert.Single(Told(Back));
    }

    [Fact]
    public void While_it_lasts_it_is_told_once_a_minute()
    {
        var outage = NewOutage();

        outage.Failed(_one, "Nobody listens.");
        for (var second = 0; second < 150; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            outage.Failed(_one, "Nobody listens.");
            outage.Failed(_two, "Nobody listens.");
        }

        Assert.Single(Told(Lost));
        Assert.Equal([60, 120], Told(StillAway).Select(text => int.Parse(text.Split("away for ")[1].Split('.')[0], null)));
    }

    [Fact]
    public void A_connection_that_was_made_before_an_outage_and_is_missed_after_it_belongs_to_it()
    {
        var outage = NewOutage();
        var made = Now;
        _time.Advance(TimeSpan.FromSeconds(1));

        outage.Lost(_one, made, "the server closed the connection");
        _time.Advance(TimeSpan.FromSeconds(1));
        outage.Over(_one, Now);
        _time.Advance(TimeSpan.FromSeconds(1));
        outage.Lost(_two, made, "the server closed the connection");
        Assert.Single(Told(Lost));

        outage.Failed(_two, "Nobody listens.");
        Assert.Equal(2, Told(Lost).Count());
    }

    [Fact]
    public void A_connection_that_is_not_wanted_any_more_is_not_waited_for()
    {
        var outage = NewOutage();
        outage.Lost(_one, Now, "the server closed the connection");
        outage.Lost(_two, Now, "the server closed the connection");

        outage.Forget(_one);
        outage.Over(_two, Now);

        Assert.Single(Told(Back));
    }

    [Fact]
    public async Task A_process_that_loses_all_its_connections_says_so_once_and_that_they_are_back()
    {
        await using var wire = TcpWire.To(server.Port);
        await using var store = NewStore(server.AddressAt(wire.Port));
        await using var backplane = new RedisBackplane(store);
        await using var queue = new RedisWorkQueue(store);
        await using var listener = await TopicListener.OnAsync(backplane, Topic.OfGroup("articles"));
        // The heart of a short lease is given so little time that a busy machine costs it its connection, and that is told, too.
        await using var lease = (RedisWorkReceiver)await queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromMinutes(1) });
        var waiting = lease.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => lease.Term.Channels.Count == 1, "it is a worker");
        queue.Heart.Beat();
        await Wait.Until(() => wire.Connections == 4, "all connections are there");

        wire.Cut();
        await Wait.Until(() => !store.Commands.IsConnected && !backplane.Subscriber.Client.IsConnected, "it is away");
        for (var missed = 0; missed < 3; missed++)
            Assert.ThrowsAny<IOException>(() => queue.Heart.Beat());
        wire.Heal();
        await Wait.Until(() => Record.Exception(() => queue.Heart.Beat()) is null, "its heart beats again");
        await Wait.Until(() => Told(Back).Any(), "it is told to be back");

        Assert.Single(Told(Lost));
        Assert.Single(_log.AtLeast(LogLevel.Warning), entry => entry.Id != 4002); // that this server forgets
        await queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        Assert.Single(await Wait.For(waiting, "the message"));
    }

    [Fact]
    public void A_refusal_is_told_once_and_once_a_minute_while_it_lasts_and_when_it_is_over_for_all()
    {
        var refusal = NewOutage();

        for (var second = 0; second < 150; second++)
        {
            refusal.Refused(_one, Now, new IOException("OOM"));
            refusal.Refused(_two, Now, new IOException("OOM"));
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        refusal.NotRefused(_one);
        refusal.NotRefused(_one);
        Assert.Empty(Told(NotRefused));
        refusal.NotRefused(_two);
        refusal.NotRefused(_two);

        Assert.Single(Told(Refused));
        Assert.Equal(2, Told(StillRefused).Count());
        Assert.Equal(["Redis at cache:6379 does again what it had refused for 150.0 s."], Told(NotRefused));

        refusal.Refused(_one, Now, new IOException("OOM"));
        Assert.Equal(2, Told(Refused).Count());
    }

    [Fact]
    public void A_refusal_that_is_heard_of_when_it_is_over_is_not_told_as_another_one()
    {
        var refusal = NewOutage();
        refusal.Refused(_one, Now, new IOException("OOM"));
        var asked = Now;
        _time.Advance(TimeSpan.FromSeconds(1));
        refusal.NotRefused(_one);
        _time.Advance(TimeSpan.FromSeconds(1));

        refusal.Refused(_two, asked, new IOException("OOM"));
        Assert.Single(Told(Refused));
        refusal.Refused(_two, Now, new IOException("OOM"));
        Assert.Equal(2, Told(Refused).Count());
        refusal.NotRefused(_two);
        Assert.Equal(2, Told(NotRefused).Count());
    }

    [Fact]
    public async Task A_settlement_that_is_refused_for_seconds_is_told_once_and_settled_then()
    {
        await using var store = NewStore(server.Address);
        await using var queue = new RedisWorkQueue(store);
        using var probe = server.Connect();
        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        await queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));

        probe.ForgetCommandCalls(); // another test's refusals, too
        probe.Configure("min-replicas-to-write", "1"); // NOREPLICAS
        var settling = lease.CompleteAsync(message).AsTask();
        await Wait.Until(() => Refusals(probe) >= 3, "it is refused, and asked again");
        probe.Configure("min-replicas-to-write", "0");

        Assert.True(await Wait.For(settling, "the answer"));
        await Wait.Until(() => Told(NotRefused).Any(), "it is told to be over");
        Assert.Single(Told(Refused));
    }

    [Fact]
    public async Task A_connection_that_is_disposed_of_while_Redis_is_away_is_not_waited_for()
    {
        await using var wire = TcpWire.To(server.Port);
        var options = new RedisOptions();
        var (dialer, outage) = (new RedisDialer(RedisAddress.Parse(server.AddressAt(wire.Port)), "test", options.Timeout), new RedisOutage("cache:6379", TimeProvider.System, NewLogger()));
        await using var stays = new RedisClient(dialer, options, outage);
        var leaves = new RedisClient(dialer, options, outage);
        await stays.OpenAsync(TestContext.Current.CancellationToken);
        await leaves.OpenAsync(TestContext.Current.CancellationToken);

        wire.Cut();
        await Wait.Until(() => !stays.IsConnected && !leaves.IsConnected, "both miss it");
        await leaves.DisposeAsync();
        wire.Heal();

        await Wait.Until(() => Told(Back).Any(), "it is told to be back");
    }

    [Fact]
    public async Task The_heart_of_a_worker_that_leaves_while_Redis_is_away_is_not_waited_for()
    {
        await using var wire = TcpWire.To(server.Port);
        await using var store = NewStore(server.AddressAt(wire.Port));
        await using var backplane = new RedisBackplane(store);
        await using var queue = new RedisWorkQueue(store);
        await using var listener = await TopicListener.OnAsync(backplane, Topic.OfGroup("articles"));
        var lease = await queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromMilliseconds(400) });
        await queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));

        store.Options.OutageTimeout = TimeSpan.FromMilliseconds(300); // so long it tries to hand back what it holds
        wire.Cut();
        await Wait.Until(() => !lease.IsHeld && Told(Lost).Any(), "its heart misses Redis");
        await lease.DisposeAsync();
        wire.Heal();

        await Wait.Until(() => Told(Back).Any(), "it is told to be back");
    }

    [Fact]
    public async Task What_was_refused_to_those_who_have_ended_since_is_not_waited_for()
    {
        await using var store = NewStore(server.Address);
        using var probe = server.Connect();
        var queue = new RedisWorkQueue(store);
        var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        probe.ForgetCommandCalls();
        probe.Configure("min-replicas-to-write", "1"); // NOREPLICAS
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the refusal"));
        await Wait.Until(() => RefusedWaits() > 1, "so is its wait for the bell");

        await lease.DisposeAsync();
        Assert.Empty(Told(NotRefused));
        await queue.DisposeAsync();
        probe.Configure("min-replicas-to-write", "0");

        Assert.Single(Told(Refused));
        Assert.Single(Told(NotRefused));

        long RefusedWaits() => probe.Info("commandstats").TryGetValue("cmdstat_blpop", out var waits) ? long.Parse(waits.Split("rejected_calls=")[1].Split(',')[0], null) : 0;
    }

    public void Dispose() => _log.Dispose();

    private long Now => _time.GetTimestamp();

    private IEnumerable<string> Told(int id) => _log.Of(id).Select(entry => entry.Text);

    private static long Refusals(RedisProbe probe) =>
        probe.Info("errorstats").TryGetValue("errorstat_NOREPLICAS", out var count) ? long.Parse(count["count=".Length..], null) : 0;

    private RedisOutage NewOutage() => new("cache:6379", _time, NewLogger());

    private RedisStore NewStore(string address) =>
        new(new RedisOptions { Address = address, Prefix = $"test-{Guid.NewGuid():N}"[..24] }, TimeProvider.System, NewLogger());

    private Logger<RedisStore> NewLogger() => new(new LoggerFactory([_log]));
}
