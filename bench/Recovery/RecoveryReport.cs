using System.Globalization;

namespace Runnel.Bench;

/// <summary>The results as Markdown, beside what is aimed at.</summary>
internal sealed class RecoveryReport
{
    private const double GoalSeconds = 15, GoalReads = 1, GoalMemory = 1.3, GoalReplay = 20, GoalCost = 1.5;
    private const double MiB = 1024 * 1024;

    private readonly RecoverySettings _settings;
    private readonly BenchReport _report;

    public RecoveryReport(QueueStore store, RecoverySettings settings)
    {
        _settings = settings;
        _report = new BenchReport("Recovery", $"Two nodes, each a process, and the clients in a third one, on the same cores; between the nodes {store.BetweenNodes}.");
    }

    /// <summary>Whether no promise was broken. A goal that was missed is none.</summary>
    public bool IsKept { get; private set; } = true;

    public Task PublishAsync(FileInfo? file) => _report.PublishAsync(file);

    public void Add(IReadOnlyList<(RecoveryFault Fault, RecoveryAudit Audit)> audits)
    {
        var table = new MarkdownTable("fault", "sent", "deliveries due", "arrived", "lost silently", "doubled", "out of order", "lost and told", "clients told", "connections ended", "kept");
        foreach (var (fault, audit) in audits)
        {
            IsKept &= fault.IsKept(audit);
            table.Add(
                fault.Title, Number(audit.Sent), Number(audit.Due), Number(audit.Arrived), Number(audit.Lost), Number(audit.Doubled), Number(audit.OutOfOrder), Number(audit.LostAndTold),
                Number(audit.Told), Number(audit.Ended), fault.IsKept(audit) ? "yes" : "NO");
        }
        _report.Add(
            string.Create(CultureInfo.InvariantCulture, $"The checker: {_settings.CheckedClients:N0} clients, 10 messages a second from each node, a fault of {_settings.Away.TotalSeconds} s"), table);
    }

    public void Add(StormFigures storm)
    {
        var isWhole = storm.Audit is { Lost: 0, Doubled: 0, OutOfOrder: 0, LostAndTold: 0 };
        IsKept &= isWhole;
        var table = Goals();
        Row(table, "from the kill until the last client had joined, s", storm.Returns.AttachedLast / 1000, "F1");
        Row(table, "… half of them", storm.Returns.AttachedP50 / 1000, "F1");
        Row(table, "from the kill until the last client had everything, s", storm.Returns.CaughtUpLast / 1000, "F1", GoalSeconds);
        Row(table, "… half of them", storm.Returns.CaughtUpP50 / 1000, "F1");
        Row(table, "clients that had everything", storm.Returns.CaughtUp, "N0");
        Row(table, "messages lost, doubled or out of order", storm.Audit.Lost + storm.Audit.LostAndTold + storm.Audit.Doubled + storm.Audit.OutOfOrder, "N0", 0);
        Row(table, "reads of history for each group and page of 100", (double)storm.Reads / storm.Pages, "F2", GoalReads);
        Row(table, "survivor's memory at its peak ÷ with all clients at rest", (double)storm.Peak / storm.Rest, "F2", GoalMemory);
        Row(table, _settings.AllReturn ? "… with none at rest, MiB" : "… with its half at rest, MiB", storm.Before / MiB, "N0");
        Row(table, "… at its peak, MiB", storm.Peak / MiB, "N0");
        Row(table, "… with all at rest, MiB", storm.Rest / MiB, "N0");
        Row(table, "CPU of the survivor until then, s", storm.SurvivorCpu, "F1");
        Row(table, "CPU of the clients, s", storm.ClientsCpu, "F1");
        Row(table, "CPU of the layer's server, s", storm.ServerCpu, "F1");
        _report.Add(
            string.Create(
                CultureInfo.InvariantCulture,
                $"The storm: {_settings.StormClients:N0} clients in {_settings.Groups} groups, {(_settings.AllReturn ? "all on the one of two nodes that is killed" : "one of two nodes killed")}, {_settings.Missed} messages to each group at that moment and one a second"),
            table);
    }

    public void Add(IReadOnlyList<ReplayFigures> replays)
    {
        var table = Goals();
        foreach (var replay in replays)
        {
            Row(table, $"{replay.Where}: connecting → everything, p50, ms", replay.CaughtUpP50, "F1");
            Row(table, "… p99, ms", replay.CaughtUpP99, "F1", replay.Messages > 0 ? GoalReplay : null);
            Row(table, "… connecting → joined, p50, ms", replay.JoinedP50, "F1");
            Row(table, "… p99, ms", replay.JoinedP99, "F1");
            Row(table, "… not within ten seconds", replay.Failures, "N0", 0);
        }
        _report.Add(string.Create(CultureInfo.InvariantCulture, $"Recovering 100 missed messages, at rest, {_settings.Rounds:N0} times each"), table);
    }

    public void Add(IReadOnlyList<HistoryCost> costs)
    {
        var table = Goals();
        SpreadRow("send with history ÷ without, CPU of both nodes and the layer's server", cost => cost.Kept / cost.Plain, "F2", GoalCost);
        SpreadRow("… of the nodes", cost => cost.KeptNodes / cost.PlainNodes, "F2");
        SpreadRow("with history: nodes, µs", cost => cost.KeptNodes, "F0");
        SpreadRow("with history: the layer's server, µs", cost => cost.KeptServer, "F0");
        SpreadRow("without: nodes, µs", cost => cost.PlainNodes, "F0");
        SpreadRow("without: the layer's server, µs", cost => cost.PlainServer, "F0");
        _report.Add("What history costs: 1,000 messages of 128 bytes a second, ten members on each of two nodes", table);

        void SpreadRow(string what, Func<HistoryCost, double> figure, string format, double? goal = null)
        {
            var spread = Spread.Of(costs.Select(figure));
            table.Add(what, spread.ToString(format), Goal(goal), Met(spread.Median, goal));
        }
    }

    private static MarkdownTable Goals() => new("what", "figure", "goal", "met");

    private static void Row(MarkdownTable table, string what, double value, string format, double? goal = null) =>
        table.Add(what, value.ToString(format, CultureInfo.InvariantCulture), Goal(goal), Met(value, goal));

    private static string Goal(double? goal) => goal is null ? "" : goal == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"≤ {goal:0.##}");

    private static string Met(double value, double? goal) => goal is null ? "" : value <= goal ? "yes" : "no";

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
