namespace Runnel.Bench;

/// <summary>The application in fresh processes, and a load generator whose sockets are all at the first one.</summary>
internal sealed class SplitCluster : IAsyncDisposable
{
    private readonly QueueStore _store;
    private readonly ChildProcess _front;
    private readonly ChildProcess? _worker;
    private readonly ChildProcess _load;
    private int _port;

    private SplitCluster(SplitWay way, string layer, QueueStore store)
    {
        _store = store;
        _front = ChildProcess.Start("split-node", way == SplitWay.Split ? SplitNode.Gateway : SplitNode.Server, layer);
        _worker = way == SplitWay.Split ? ChildProcess.Start("split-node", SplitNode.Worker, layer) : null;
        _load = ChildProcess.StartSmall("load");
    }

    // Where the consumers work, and whatever else the application does.
    private ChildProcess Application => _worker ?? _front;

    public static async Task<SplitCluster> StartAsync(SplitWay way, QueueStore store, CancellationToken cancellationToken)
    {
        var cluster = new SplitCluster(way, await store.NewAddressAsync(cancellationToken), store);
        try
        {
            cluster._port = await cluster._front.AskAsync<int>(cancellationToken, "port");
            await cluster.Application.AskAsync<bool>(cancellationToken, "ready");
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connects, and waits until all consumers have.</summary>
    public async Task ConnectAsync(string endpoint, int connections, CancellationToken cancellationToken)
    {
        await _load.AskAsync<bool>(cancellationToken, "connect", _port, endpoint, connections);
        await Application.AskAsync<bool>(cancellationToken, "members", connections);
    }

    public async Task DisconnectAsync(CancellationToken cancellationToken)
    {
        await _load.AskAsync<bool>(cancellationToken, "disconnect");
        await Application.AskAsync<bool>(cancellationToken, "members", 0);
    }

    /// <summary>Sends so many messages a second over the sockets in turn, whether or not those before have come back.</summary>
    public Task<SplitRound> EchoAsync(int rate, int seconds, CancellationToken cancellationToken) =>
        MeasureAsync(rate * seconds, () => _load.AskAsync<long>(cancellationToken, "keep-sending", rate * seconds, rate), cancellationToken);

    /// <summary>Publishes to the group at the pace, where the application's consumers would.</summary>
    public Task<SplitRound> PublishAsync(Pace pace, int connections, int seconds, CancellationToken cancellationToken)
    {
        var ticks = pace.TicksIn(seconds);
        return MeasureAsync(
            (long)ticks * pace.Burst * connections,
            () => Application.AskAsync<bool>(cancellationToken, "publish", ticks, pace.Burst, (int)pace.Interval.TotalMilliseconds),
            cancellationToken);
    }

    /// <summary>What the process with the sockets holds, and the worker. Each collects until it stands still, at the same time.</summary>
    public async Task<(MemoryFigures Front, MemoryFigures? Worker)> SettleAsync(CancellationToken cancellationToken)
    {
        var front = _front.AskAsync<MemoryFigures>(cancellationToken, "settle");
        var worker = _worker?.AskAsync<MemoryFigures>(cancellationToken, "settle");
        return (await front, worker is null ? null : await worker);
    }

    public async ValueTask DisposeAsync()
    {
        // The clients first: a server that stops waits for its connections.
        await _load.DisposeAsync();
        if (_worker is not null)
            await _worker.DisposeAsync();
        await _front.DisposeAsync();
    }

    /// <summary>Waits until everything has arrived, so that all of its cost lies between the two looks at the processes.</summary>
    private async Task<SplitRound> MeasureAsync(long expected, Func<Task> send, CancellationToken cancellationToken)
    {
        await _load.AskAsync<bool>(cancellationToken, "begin", expected);
        var before = await LookAsync(cancellationToken);
        await send();
        var load = await _load.AskAsync<LoadFigures>(cancellationToken, "finish", Pace.LongestDelay.TotalSeconds);
        var after = await LookAsync(cancellationToken);

        if (load.Deliveries != expected || load.ConnectionsLost > 0)
            throw new BenchException($"{load.Deliveries} of {expected} messages arrived, {load.ConnectionsLost} connections were lost; figures of such a run compare with nothing.");
        return new SplitRound(
            load.P50Milliseconds,
            load.P99Milliseconds,
            (after.Front - before.Front) / expected,
            (after.Worker - before.Worker) / expected,
            (after.Server - before.Server) / expected);
    }

    private async Task<(double Front, double Worker, double Server)> LookAsync(CancellationToken cancellationToken) =>
    (
        (await _front.AskAsync<ServerFigures>(cancellationToken, "figures")).CpuMicroseconds,
        _worker is null ? 0 : (await _worker.AskAsync<ServerFigures>(cancellationToken, "figures")).CpuMicroseconds,
        (await _store.ServerCpuTimeAsync(cancellationToken)).TotalMicroseconds
    );
}
