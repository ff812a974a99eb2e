using Runnel.Cli.Load;

namespace Runnel.Bench;

/// <summary>One client misses a hundred messages and comes back, again and again, each time in a group that nobody has read yet.</summary>
internal static class ReplayRun
{
    private const int Messages = 100, WarmUp = 30, Patience = 10;

    // The first one shows what a return costs by itself, on this machine at this time.
    private static readonly (string Kind, int Messages, int Node, string Where)[] Ways =
    [
        ("plain.replay", 0, 0, "without history, nothing to recover"),
        ("kept.replay", Messages, 0, "to the node that it was on"),
        ("kept.replay", Messages, 1, "to a node without that group"),
    ];

    public static async Task<IReadOnlyList<ReplayFigures>> RunAsync(QueueStore store, RecoverySettings settings, CancellationToken cancellationToken)
    {
        await using var cluster = await RecoveryCluster.StartAsync(await store.NewAddressAsync(cancellationToken), maxBytes: 0, cancellationToken);
        var (figures, number) = (new List<ReplayFigures>(), 0);
        foreach (var (kind, messages, node, where) in Ways)
        {
            var (joined, caughtUp, failures) = (new LatencyHistogram(), new LatencyHistogram(), 0);
            for (var round = 0; round < WarmUp + settings.Rounds; round++)
            {
                var returned = await RecoverAsync(cluster, $"{kind}.{++number}", number, messages, node, cancellationToken);
                failures += returned.CaughtUp == 1 ? 0 : 1;
                if (round < WarmUp || returned.CaughtUp != 1)
                    continue;
                joined.Record(TimeSpan.FromMilliseconds(returned.AttachedLast));
                caughtUp.Record(TimeSpan.FromMilliseconds(returned.CaughtUpLast));
            }
            var (joining, catchingUp) = (joined.Figures(), caughtUp.Figures());
            figures.Add(new ReplayFigures(where, messages, joining.P50, joining.P99, catchingUp.P50, catchingUp.P99, failures));
            await Console.Error.WriteLineAsync($"recovery of {messages} messages: {figures[^1]}");
        }
        return figures;
    }

    private static async Task<ReturnFigures> RecoverAsync(RecoveryCluster cluster, string group, int number, int messages, int node, CancellationToken cancellationToken)
    {
        await cluster.OpenAsync(group, number, count: 1, withSmallBuffer: 0, cancellationToken);
        await cluster.AskClientsAsync<bool>(cancellationToken, "cut", 0, 1, -1);
        if (messages > 0)
        {
            var publisher = RecoveringGroup.PublisherOf(number, 1);
            await cluster.AskAsync<bool>(0, cancellationToken, "send", publisher, group, messages);
            await cluster.AskClientsAsync<long>(cancellationToken, "newest", (publisher * Arrivals.NumbersPerPublisher) + messages);
        }
        await cluster.AskClientsAsync<bool>(cancellationToken, "expect", 0);
        await cluster.AskClientsAsync<bool>(cancellationToken, "come-back", 0, 1, node);
        var returned = await cluster.AskClientsAsync<ReturnFigures>(cancellationToken, "returns", 1, Patience);
        await cluster.AskClientsAsync<bool>(cancellationToken, "close");
        return returned;
    }
}
