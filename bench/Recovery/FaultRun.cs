namespace Runnel.Bench;

/// <summary>One fault: messages flow from both nodes to clients of both, and something goes wrong.</summary>
internal sealed class FaultRun : IAsyncDisposable
{
    private const string Group = "kept.checked";
    private const int PerSecond = 10; // from each node
    private const int SlowFilling = 8 * 1024, SlowMaxBytes = 64 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Lag = TimeSpan.FromSeconds(1);

    private readonly RecoverySettings _settings;
    private readonly RecoveryFault _fault;
    private readonly List<RedisProcess> _servers = [];
    private readonly List<int> _publishing = [];
    private RedisProcess? _server;
    private RecoveryCluster? _cluster;

    private FaultRun(RecoveryFault fault, RecoverySettings settings) => (_fault, _settings) = (fault, settings);

    private RecoveryCluster Cluster => _cluster!;

    public static async Task<RecoveryAudit> RunAsync(RecoveryFault fault, QueueStore store, RecoverySettings settings, CancellationToken cancellationToken)
    {
        await using var run = new FaultRun(fault, settings);
        return await run.RunAsync(store, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        _servers.ForEach(server => server.Dispose());
    }

    public async Task CutClientsAsync(CancellationToken cancellationToken)
    {
        await Cluster.AskClientsAsync<bool>(cancellationToken, "cut", 0, _settings.CheckedClients, _settings.Away.TotalMilliseconds);
        await Wait(_settings.Away, cancellationToken);
    }

    public async Task KillNodeAsync(CancellationToken cancellationToken)
    {
        await Cluster.KillAsync(1);
        await Wait(_settings.Away, cancellationToken);
        await Cluster.RestartAsync(1, cancellationToken);
        await PublishAsync(1, cancellationToken);
    }

    public async Task KillServerAsync(CancellationToken cancellationToken)
    {
        _server!.Kill();
        await Wait(_settings.Away, cancellationToken);
        await _server.RestartAsync(cancellationToken);
    }

    /// <summary>The replica gets no more, a quarter of the clients are cut off, Redis gets more messages and is killed, and the replica takes its address.</summary>
    public async Task ReplaceServerAsync(CancellationToken cancellationToken)
    {
        var (leader, replica) = (_servers[0], _servers[1]);
        await replica.StandAloneAsync(cancellationToken);
        await Cluster.AskClientsAsync<bool>(cancellationToken, "cut", 0, _settings.CheckedClients / 4, (2 * Lag + _settings.Away).TotalMilliseconds);
        await Wait(Lag, cancellationToken);
        leader.Kill();
        await Wait(_settings.Away, cancellationToken);
        await replica.TakeAddressAsync(leader, cancellationToken);
        await Wait(2 * Lag, cancellationToken);
    }

    public async Task StallClientsAsync(CancellationToken cancellationToken)
    {
        await Cluster.AskClientsAsync<bool>(cancellationToken, "stall", 0, SlowClients, _settings.Away.TotalMilliseconds);
        await Wait(_settings.Away, cancellationToken);
    }

    private int SlowClients => _fault.IsSlow ? Math.Max(1, _settings.CheckedClients / 10) : 0;

    private async Task<RecoveryAudit> RunAsync(QueueStore store, CancellationToken cancellationToken)
    {
        _cluster = await RecoveryCluster.StartAsync(await OpenStoreAsync(store, cancellationToken), _fault.IsSlow ? SlowMaxBytes : 0, cancellationToken);
        await Cluster.OpenAsync(Group, number: 1, _settings.CheckedClients, SlowClients, cancellationToken);
        await PublishAsync(0, cancellationToken);
        await PublishAsync(1, cancellationToken);
        await Wait(_settings.Calm, cancellationToken);
        await _fault.StrikeAsync(this, cancellationToken);
        await Wait(_settings.Calm, cancellationToken);
        await Task.WhenAll(Cluster.AskAsync<bool>(0, cancellationToken, "hold"), Cluster.AskAsync<bool>(1, cancellationToken, "hold"));
        return await Cluster.AuditAsync(Patience, cancellationToken);
    }

    private async Task<string> OpenStoreAsync(QueueStore store, CancellationToken cancellationToken)
    {
        if (!_fault.HasReplica)
        {
            _server = (store as RedisQueueStore)?.Redis.Own;
            return await store.NewAddressAsync(cancellationToken);
        }
        _servers.Add(await RedisProcess.StartAsync("always", cancellationToken));
        _servers.Add(await RedisProcess.StartAsync("always", cancellationToken));
        await _servers[1].FollowAsync(_servers[0], cancellationToken);
        return _servers[0].Address;
    }

    private Task<bool> PublishAsync(int node, CancellationToken cancellationToken)
    {
        _publishing.Add(node);
        return Cluster.AskAsync<bool>(node, cancellationToken, "publish", RecoveringGroup.PublisherOf(group: 1, _publishing.Count), Group, PerSecond, _fault.IsSlow ? SlowFilling : 0);
    }

    private static Task Wait(TimeSpan time, CancellationToken cancellationToken) => Task.Delay(time, TimeProvider.System, cancellationToken);
}
