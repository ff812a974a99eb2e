namespace Runnel.Bench;

/// <summary>All parts of a run, one after the other, each with nodes, clients and a store of its own.</summary>
internal static class RecoveryRun
{
    private const string Faults = "faults", Storm = "storm", Replay = "replay", Cost = "cost";

    public static IReadOnlyList<string> Parts { get; } = [Faults, Storm, Replay, Cost];

    public static async Task<RecoveryReport> RunAsync(RecoverySettings settings, CancellationToken cancellationToken)
    {
        if (QueueStore.SchemeOf(settings.Layer) is not ("redis" or "sqlite"))
            throw new BenchException("This runs on layers that keep history and reach other nodes: redis: and sqlite:PATH.");
        await using var store = await QueueStore.OpenAsync(settings.Layer, "always", cancellationToken);
        var report = new RecoveryReport(store, settings);
        if (settings.Parts.Contains(Faults))
        {
            var audits = new List<(RecoveryFault, RecoveryAudit)>();
            foreach (var fault in RecoveryFault.On(store).Where(fault => settings.Faults.Contains(fault.Name)))
            {
                audits.Add((fault, await FaultRun.RunAsync(fault, store, settings, cancellationToken)));
                await Console.Error.WriteLineAsync($"{fault.Title}: {audits[^1].Item2}");
            }
            report.Add(audits);
        }
        if (settings.Parts.Contains(Storm))
            report.Add(await StormRun.RunAsync(store, settings, cancellationToken));
        if (settings.Parts.Contains(Replay))
            report.Add(await ReplayRun.RunAsync(store, settings, cancellationToken));
        if (settings.Parts.Contains(Cost))
            report.Add(await HistoryCostRun.RunAsync(store, settings, cancellationToken));
        return report;
    }
}
