namespace Runnel.Bench;

/// <summary>A fresh server with one target, and a fresh load generator to connect to it.</summary>
internal sealed class TargetUnderLoad : IAsyncDisposable
{
    private readonly string _target;
    private readonly ChildProcess _server;
    private readonly ChildProcess _load;

    private TargetUnderLoad(string target)
    {
        _target = target;
        _server = ChildProcess.Start("server", target);
        _load = ChildProcess.StartSmall("load");
    }

    public static TargetUnderLoad Start(string target) => new(target);

    /// <summary>Connects, and waits until all are in the group.</summary>
    public async Task ConnectAsync(int connections, CancellationToken cancellationToken)
    {
        var port = await _server.AskAsync<int>(cancellationToken, "port");
        await _load.AskAsync<bool>(cancellationToken, "connect", port, _target, connections);
        await _server.AskAsync<bool>(cancellationToken, "members", connections);
    }

    public async Task DisconnectAsync(CancellationToken cancellationToken)
    {
        await _load.AskAsync<bool>(cancellationToken, "disconnect");
        await _server.AskAsync<bool>(cancellationToken, "members", 0);
    }

    /// <summary>Publishes at the pace and waits until everything has arrived, so that all of its cost lies between the two looks at the server.</summary>
    public async Task<FanoutRound> PublishAsync(Pace pace, int connections, int seconds, CancellationToken cancellationToken)
    {
        var ticks = pace.TicksIn(seconds);
        var expected = (long)ticks * pace.Burst * connections;

        await _load.AskAsync<bool>(cancellationToken, "begin", expected);
        var before = await _server.AskAsync<ServerFigures>(cancellationToken, "figures");
        await _server.AskAsync<bool>(cancellationToken, "publish", ticks, pace.Burst, (int)pace.Interval.TotalMilliseconds);
        var load = await _load.AskAsync<LoadFigures>(cancellationToken, "finish", Pace.LongestDelay.TotalSeconds);
        var after = await _server.AskAsync<ServerFigures>(cancellationToken, "figures");

        return load.Deliveries == expected && load.ConnectionsLost == 0
            ? FanoutRound.Of(after - before, load)
            : throw new BenchException(
                $"{FanoutTargets.TitleOf(_target)}: {load.Deliveries} of {expected} messages arrived, {load.ConnectionsLost} connections were lost; figures of such a run compare with nothing.");
    }

    public Task<MemoryFigures> SettleAsync(CancellationToken cancellationToken) => _server.AskAsync<MemoryFigures>(cancellationToken, "settle");

    public async ValueTask DisposeAsync()
    {
        // The clients first: a server that stops waits for its connections.
        await _load.DisposeAsync();
        await _server.DisposeAsync();
    }
}
