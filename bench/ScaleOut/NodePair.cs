namespace Runnel.Bench;

/// <summary>Two fresh nodes of one target, and a load generator whose sockets are all on the second one.</summary>
internal sealed class NodePair : IAsyncDisposable
{
    private readonly string _target;
    private readonly QueueStore _store;
    private readonly ChildProcess _publisher;
    private readonly ChildProcess _subscriber;
    private readonly ChildProcess _load;

    private NodePair(string target, string layer, QueueStore store)
    {
        (_target, _store) = (target, store);
        _publisher = ChildProcess.Start("server", target, layer);
        _subscriber = ChildProcess.Start("server", target, layer);
        _load = ChildProcess.StartSmall("load");
    }

    /// <summary>Starts both, connects, and waits until all are in the group.</summary>
    public static async Task<NodePair> StartAsync(string target, QueueStore store, int connections, CancellationToken cancellationToken)
    {
        var pair = new NodePair(target, await store.NewAddressAsync(cancellationToken), store);
        try
        {
            await pair._publisher.AskAsync<int>(cancellationToken, "port");
            var port = await pair._subscriber.AskAsync<int>(cancellationToken, "port");
            await pair._load.AskAsync<bool>(cancellationToken, "connect", port, target, connections);
            await pair._subscriber.AskAsync<bool>(cancellationToken, "members", connections);
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    /// <summary>Publishes on the one, and waits until everything has arrived from the other, or has not for long.</summary>
    public async Task<ScaleOutRound> PublishAsync(int rate, int connections, int seconds, CancellationToken cancellationToken)
    {
        var messages = rate * seconds;
        var expected = (long)messages * connections;

        await _load.AskAsync<bool>(cancellationToken, "begin", expected);
        var before = await LookAsync(cancellationToken);
        var failed = await _publisher.AskAsync<long>(cancellationToken, "keep-publishing", messages, rate);
        var load = await _load.AskAsync<LoadFigures>(cancellationToken, "finish", Pace.LongestDelay.TotalSeconds);
        var after = await LookAsync(cancellationToken);

        if (load.ConnectionsLost > 0)
            throw new BenchException($"{FanoutTargets.TitleOf(_target)}: {load.ConnectionsLost} connections were lost; figures of such a run compare with nothing.");
        if (failed > 0)
            await Console.Error.WriteLineAsync($"{FanoutTargets.TitleOf(_target)}: {failed} of {messages} messages could not be published.");
        return new ScaleOutRound(
            load.P50Milliseconds,
            load.P99Milliseconds,
            (after.Publisher - before.Publisher) / messages,
            (after.Subscriber - before.Subscriber) / messages,
            (after.Server - before.Server) / messages,
            expected - load.Deliveries);
    }

    public async ValueTask DisposeAsync()
    {
        // The clients first: a server that stops waits for its connections.
        await _load.DisposeAsync();
        await _subscriber.DisposeAsync();
        await _publisher.DisposeAsync();
    }

    private async Task<(double Publisher, double Subscriber, double Server)> LookAsync(CancellationToken cancellationToken) =>
    (
        (await _publisher.AskAsync<ServerFigures>(cancellationToken, "figures")).CpuMicroseconds,
        (await _subscriber.AskAsync<ServerFigures>(cancellationToken, "figures")).CpuMicroseconds,
        (await _store.ServerCpuTimeAsync(cancellationToken)).TotalMicroseconds
    );
}
