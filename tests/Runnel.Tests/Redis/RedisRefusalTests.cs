using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Connections;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What an operator reads of a Redis that refuses.</summary>
public sealed class RedisRefusalTests(RedisServer server) : IClassFixture<RedisServer>, IDisposable
{
    private const int Refused = 4013, StillRefused = 4030, NotRefused = 4031;

    private readonly RecordedLog _log = new();
    private readonly ManualTimeProvider _time = new();
    private readonly object _one = new(), _two = new();

    [Fact]
    public void A_refusal_is_told_once_and_once_a_minute_while_it_lasts_and_when_it_is_over_for_all()
    {
        var refusal = new RedisOutage("cache:6379", _time, NewLogger());

        for (var second = 0; second < 150; second++)
        {
            refusal.Refused(_one, new IOException("OOM"));
            refusal.Refused(_two, new IOException("OOM"));
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        refusal.NotRefused(_one);
        refusal.NotRefused(_one);
        Assert.Empty(_log.Of(NotRefused));
        refusal.NotRefused(_two);
        refusal.NotRefused(_two);

        Assert.Single(_log.Of(Refused));
        Assert.Equal(2, _log.Of(StillRefused).Count());
        Assert.Equal(["Redis at cache:6379 does again what it had refused for 150.0 s."], _log.Of(NotRefused).Select(entry => entry.Text));

        refusal.Refused(_one, new IOException("OOM"));
        Assert.Equal(2, _log.Of(Refused).Count());
    }

    [Fact]
    public async Task A_settlement_that_is_refused_for_seconds_is_told_once_and_settled_then()
    {
        var options = new RedisOptions { Address = server.Address, Prefix = $"test-{Guid.NewGuid():N}"[..24] };
        await using var store = new RedisStore(options, TimeProvider.System, NewLogger());
        await using var queue = new RedisWorkQueue(store);
        using var probe = server.Connect();
        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        await queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));

        probe.Configure("min-replicas-to-write", "1"); // NOREPLICAS
        var settling = lease.CompleteAsync(message).AsTask();
        await Wait.Until(() => Refusals(probe) >= 3, "it is refused, and asked again");
        probe.Configure("min-replicas-to-write", "0");

        Assert.True(await Wait.For(settling, "the answer"));
        await Wait.Until(() => _log.Of(NotRefused).Any(), "it is told to be over");
        Assert.Single(_log.Of(Refused));
    }

    public void Dispose() => _log.Dispose();

    private static long Refusals(RedisProbe probe) =>
        probe.Info("errorstats").TryGetValue("errorstat_NOREPLICAS", out var count) ? long.Parse(count["count=".Length..], null) : 0;

    private Logger<RedisStore> NewLogger() => new(new LoggerFactory([_log]));
}
