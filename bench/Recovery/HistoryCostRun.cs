namespace Runnel.Bench;

/// <summary>What a send to a group with history costs beside one to a group without: the same nodes, the same clients, in turn.</summary>
internal static class HistoryCostRun
{
    private const string Kept = "kept.cost", Plain = "plain.cost";
    private const int Members = 10, Nodes = 2, PerSecond = 1_000, Rounds = 3;

    public static async Task<IReadOnlyList<HistoryCost>> RunAsync(QueueStore store, RecoverySettings settings, CancellationToken cancellationToken)
    {
        await using var cluster = await RecoveryCluster.StartAsync(await store.NewAddressAsync(cancellationToken), maxBytes: 0, cancellationToken);
        await cluster.OpenAsync(Kept, number: 1, Members * Nodes, withSmallBuffer: 0, cancellationToken);
        await cluster.OpenAsync(Plain, number: 2, Members * Nodes, withSmallBuffer: 0, cancellationToken);
        await MeasureAsync(Kept);
        await MeasureAsync(Plain);
        var costs = new List<HistoryCost>();
        for (var round = 0; round < Rounds; round++)
        {
            var (kept, plain) = (await MeasureAsync(Kept), await MeasureAsync(Plain));
            costs.Add(new HistoryCost(kept.Nodes, kept.Server, plain.Nodes, plain.Server));
            await Console.Error.WriteLineAsync($"cost of a send: {costs[^1]}");
        }
        return costs;

        async Task<(double Nodes, double Server)> MeasureAsync(string group)
        {
            var messages = PerSecond * settings.CostSeconds;
            var arrived = await cluster.AskClientsAsync<long>(cancellationToken, "messages", 0);
            var before = await LookAsync();
            var failed = await cluster.AskAsync<long>(0, cancellationToken, "keep-publishing", group, messages, PerSecond);
            var wanted = arrived + ((long)messages * Members * Nodes);
            var got = await cluster.AskClientsAsync<long>(cancellationToken, "messages", wanted);
            var after = await LookAsync();
            return failed == 0 && got == wanted
                ? ((after.Nodes - before.Nodes) / messages, (after.Server - before.Server) / messages)
                : throw new BenchException($"{group}: {failed} messages could not be sent, and {got - arrived} of {wanted - arrived} arrived; figures of such a run compare with nothing.");
        }

        async Task<(double Nodes, double Server)> LookAsync() =>
        (
            (await cluster.AskAsync<ServerFigures>(0, cancellationToken, "figures")).CpuMicroseconds + (await cluster.AskAsync<ServerFigures>(1, cancellationToken, "figures")).CpuMicroseconds,
            (await store.ServerCpuTimeAsync(cancellationToken)).TotalMicroseconds
        );
    }
}
