using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;

namespace Runnel.Bench;

/// <summary>A Redis, asked through the operator's verbs of the layer, and, for the keys that are left, directly.</summary>
internal sealed class RedisChaosStore : ChaosStore
{
    // Names of channels, which the layer forgets when nobody has used them for a while.
    private static readonly string[] Allowed = [":channels", ":format", ":identity", ":server"];

    private readonly BenchRedis _redis;
    private readonly string _prefix;
    private readonly Layer _layer;
    private bool _hasLeft;

    private RedisChaosStore(BenchRedis redis, string address, string prefix)
        : base(address, Directory.CreateTempSubdirectory("runnel-chaos-").FullName)
    {
        (_redis, _prefix) = (redis, prefix);
        _layer = LayerAddress.FactoryOf(address).Create(address, TimeProvider.System, NullLoggerFactory.Instance);
    }

    public override IServerProcess? Server => _redis.Own;

    // What the dead worker held is its own until its lease is over.
    public override TimeSpan LongestHandover => ChaosHost.LeaseDuration + TimeSpan.FromSeconds(1);

    private IWorkQueueOperator Operator => _layer.Operator!;

    public static async Task<RedisChaosStore> CreateAsync(RedisQueueStore store, CancellationToken cancellationToken)
    {
        var address = await store.NewAddressAsync(cancellationToken);
        return new RedisChaosStore(store.Redis, address, store.Prefix);
    }

    public override async Task<long> CountMessagesAsync(CancellationToken cancellationToken) =>
        (await Operator.ListChannelsAsync(cancellationToken)).Sum(channel => channel.Ready + channel.Scheduled + channel.Blocked + channel.InFlight + channel.Dead);

    // The layer does not say whose: what all processes hold is the most that this one can.
    public override Task<long> CountHeldAsync(int processId, CancellationToken cancellationToken) => CountHeldByAllAsync(cancellationToken);

    // Its lease ends while it stands still.
    public override Task<long> CountLostByStandingStillAsync(int processId, CancellationToken cancellationToken) => CountHeldByAllAsync(cancellationToken);

    public override async Task<long> CountHeldByAllAsync(CancellationToken cancellationToken) =>
        (await Operator.ListChannelsAsync(cancellationToken)).Sum(channel => channel.InFlight);

    public override async Task<bool> HasForgottenTheDeadAsync(int living, CancellationToken cancellationToken)
    {
        foreach (var key in await _redis.KeysAsync($"*{_prefix}*:workers", cancellationToken))
        {
            if (await _redis.CountAsync(key, cancellationToken) > living)
                return false;
        }
        return true;
    }

    public override async Task AuditLeftAsync(ChaosVerdict verdict, CancellationToken cancellationToken)
    {
        await LeaveAsync();
        var lasting = new List<string>();
        var keys = (await _redis.KeysAsync($"*{_prefix}*", cancellationToken)).Where(key => !Allowed.Any(name => key == _prefix + name)).ToList();
        foreach (var key in keys)
        {
            if (!await _redis.ExpiresAsync(key, cancellationToken))
                lasting.Add(key);
        }
        verdict.Note("keys left that go by themselves", keys.Count - lasting.Count);
        verdict.AtMost("keys left that stay", lasting.Count, 0);
        foreach (var key in lasting)
            await Console.Error.WriteLineAsync($"left: {key}");
    }

    public override async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task LeaveAsync()
    {
        if (!_hasLeft)
            await _layer.DisposeAsync();
        _hasLeft = true;
    }
}
