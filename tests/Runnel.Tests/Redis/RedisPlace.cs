using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;

namespace Runnel.Tests.Redis;

/// <summary>A place of a test's own in a Redis: a prefix that no other test has, and what was opened there, for each process.</summary>
internal sealed class RedisPlace(RedisServer server, TimeProvider? timeProvider = null) : IAsyncDisposable
{
    private readonly List<RedisStore> _stores = [];
    private readonly List<RedisBackplane> _backplanes = [];

    public string Prefix { get; } = $"test-{Guid.NewGuid():N}"[..24];

    /// <summary>The layer's address, with the prefix.</summary>
    public string Address => $"{server.Address}?prefix={Prefix}";

    /// <summary>What the layers here have logged.</summary>
    public RecordedLog Log { get; } = new();

    public RedisProbe Probe { get; } = server.Connect();

    /// <summary>Our keys but those that note the server and the format, which stay, and the pub/sub channels that somebody has subscribed to.</summary>
    public IReadOnlyList<string> Kept => [.. Probe.Keys($"{Prefix}:*").Where(key => key != $"{Prefix}:server" && key != $"{Prefix}:format"), .. Probe.Texts("PUBSUB", "CHANNELS", $"{Prefix}:*")];

    /// <summary>Watches what the server does from now on.</summary>
    public RedisMonitor Watch() => RedisMonitor.Watch(server.Port);

    public RedisStore Open(Action<RedisOptions>? configure = null, string? address = null)
    {
        var options = new RedisOptions { Address = address ?? server.Address, Prefix = Prefix };
        configure?.Invoke(options);
        var store = new RedisStore(options, timeProvider ?? TimeProvider.System, new Logger<RedisStore>(new LoggerFactory([Log])));
        _stores.Add(store);
        return store;
    }

    /// <summary>Opens the backplane of one more process.</summary>
    public RedisBackplane OpenBackplane()
    {
        var backplane = new RedisBackplane(Open());
        _backplanes.Add(backplane);
        return backplane;
    }

    /// <summary>Has a worker die: its heart beats no more, its lease has ended, and others have what it held.</summary>
    /// <param name="queues">The queue that the worker is of, and perhaps others.</param>
    /// <param name="lease">The worker.</param>
    public async Task CrashAsync(IReadOnlyList<RedisWorkQueue> queues, IWorkReceiver lease)
    {
        var worker = ((RedisWorkReceiver)lease).Term;
        foreach (var queue in queues)
        {
            queue.Heart.Remove(worker);
            queue.Heart.Beat(); // when this returns, none is under way that has the worker in it still
        }
        foreach (var channel in worker.Channels)
        {
            Probe.Ask("ZADD", channel.Keys.Workers, "XX", "1", worker.WorkerId);
            await queues[0].Sweeper.SweepAsync(channel, new LeasesEnded(0, 1));
        }
        worker.Lose();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var backplane in _backplanes)
            await backplane.DisposeAsync();
        foreach (var store in _stores)
            await store.DisposeAsync();
        Probe.Dispose();
        using var probe = server.Connect(); // the other one has not survived a test that killed the server
        foreach (var key in probe.Keys($"{Prefix}:*"))
            probe.Ask("DEL", key);
    }
}
