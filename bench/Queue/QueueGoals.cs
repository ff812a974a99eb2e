namespace Runnel.Bench;

/// <summary>What is aimed at, for a machine of two cores that runs nothing else.</summary>
/// <param name="Rates">Messages a second, at least.</param>
/// <param name="Lateness">Milliseconds, at most: p50, p99, the last.</param>
internal sealed record QueueGoals(IReadOnlyDictionary<string, double> Rates, IReadOnlyDictionary<string, (double? P50, double? P99, double? Max)> Lateness)
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

    public static QueueGoals Of(string scheme) => scheme switch
    {
        "memory" => Memory,
        "sqlite" => Sqlite,
        "redis" => Redis,
        _ => throw new ArgumentException($"There are no goals for {scheme}:.", nameof(scheme)),
    };
}
