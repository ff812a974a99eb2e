namespace Runnel.Bench;

/// <summary>A Redis, with a prefix for each measurement; what the measurement before has left is deleted first.</summary>
internal sealed class RedisQueueStore(BenchRedis redis) : QueueStore
{
    private readonly string _prefix = $"bench-{Environment.ProcessId}-";
    private int _count;

    public override string Scheme => "redis";

    public override string Durability => Redis.Description;

    public override QueueSizes Sizes { get; } = new(OneCaller: 10_000, ManyCallers: 60_000, Bulk: 100_000, Process: 100_000, Keys: 50_000, BareManyCallers: 200_000);

    public override string Server => "Redis";

    public override string Peer => BullMQ.Name;

    public BenchRedis Redis { get; } = redis;

    /// <summary>What every key of the present measurement begins with.</summary>
    public string Prefix => $"{_prefix}{_count}";

    public override async Task<string> NewAddressAsync(CancellationToken cancellationToken)
    {
        await BeginAsync(cancellationToken);
        return $"{Redis.Address}?prefix={Prefix}";
    }

    public override async Task<IBareStore> NewBareAsync(CancellationToken cancellationToken)
    {
        await BeginAsync(cancellationToken);
        return await BareRedis.OpenAsync(Redis.Address, Prefix, cancellationToken);
    }

    public override async Task<IQueuePeer> StartPeerAsync(CancellationToken cancellationToken) => await BullMQ.StartAsync(this, cancellationToken);

    public override Task<TimeSpan> ServerCpuTimeAsync(CancellationToken cancellationToken) => Redis.CpuTimeAsync(cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        if (Redis.Own is null)
            await Redis.EmptyAsync(AllKeys, CancellationToken.None);
        Redis.Dispose();
    }

    // Not only at the beginning: a prefix may stand in braces, or behind something.
    private string AllKeys => $"*{_prefix}*";

    private Task BeginAsync(CancellationToken cancellationToken)
    {
        _count++;
        return Redis.EmptyAsync(AllKeys, cancellationToken);
    }
}
