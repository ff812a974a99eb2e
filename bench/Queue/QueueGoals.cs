namespace Runnel.Bench;

/// <summary>What is aimed at, for a machine of two cores that runs nothing else.</summary>
/// <param name="Rates">Messages a second, at least.</param>
/// <param name="Lateness">Milliseconds, at most: p50, p99, the last.</param>
/// <param name="ShareOfBareRate">How much of the bare loop's rate, at least, for many callers and for processing.</param>
/// <param name="ShareOfPeerCpu">How much of the peer's CPU time for a message that is stored and processed, the server's included, at most.</param>
internal sealed record QueueGoals(
    IReadOnlyDictionary<string, double> Rates,
    IReadOnlyDictionary<string, (double? P50, double? P99, double? Max)> Lateness,
    double? ShareOfBareRate = null,
    double? ShareOfPeerCpu = null)
{
    private static readonly QueueGoals Memory = new(
        new Dictionary<string, double>
        {
            [QueueRun.ManyCallers] = 1_000_000, [QueueRun.Bulk] = 2_000_000, [QueueRun.Process] = 1_000_000, [QueueRun.Keys] = 500_000,
        },
        new Dictionary<string, (double?, double?, double?)>
        {
            [QueueRun.Start] = (0.05, 0.5, null), [QueueRun.Delays] = (3, 8, 25), [QueueRun.Burst] = (null, null, 50),
        });

    private static readonly QueueGoals Sqlite = new(
        new Dictionary<string, double>
        {
            [QueueRun.OneCaller] = 3_000, [QueueRun.ManyCallers] = 60_000, [QueueRun.Bulk] = 120_000, [QueueRun.Process] = 80_000, [QueueRun.Keys] = 30_000,
        },
        new Dictionary<string, (double?, double?, double?)>
        {
            [QueueRun.Start] = (1, 5, null), [QueueRun.Delays] = (4, 15, 50), [QueueRun.Burst] = (null, null, 250),
        });

    private static readonly QueueGoals Redis = new(
        new Dictionary<string, double>
        {
            [QueueRun.OneCaller] = 9_000, [QueueRun.ManyCallers] = 70_000, [QueueRun.Bulk] = 150_000, [QueueRun.Process] = 100_000, [QueueRun.Keys] = 50_000,
        },
        new Dictionary<string, (double?, double?, double?)>
        {
            [QueueRun.Start] = (0.6, 4, null), [QueueRun.Delays] = (4, 15, 50), [QueueRun.Burst] = (null, null, 250),
        });

    private static readonly QueueGoals RabbitMQ = new(
        new Dictionary<string, double>
        {
            [QueueRun.OneCaller] = 1_000, [QueueRun.ManyCallers] = 22_000, [QueueRun.Bulk] = 25_000, [QueueRun.Process] = 25_000, [QueueRun.Keys] = 15_000,
        },
        new Dictionary<string, (double?, double?, double?)>
        {
            [QueueRun.Start] = (1.5, 8, null), [QueueRun.Delays] = (5, 25, 100), [QueueRun.Burst] = (null, null, 1_000),
        },
        ShareOfBareRate: 0.8,
        ShareOfPeerCpu: 0.5);

    public static QueueGoals Of(string scheme) => scheme switch
    {
        "memory" => Memory,
        "sqlite" => Sqlite,
        "redis" => Redis,
        "amqp" => RabbitMQ,
        _ => throw new ArgumentException($"There are no goals for {scheme}:.", nameof(scheme)),
    };
}
