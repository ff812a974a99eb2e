using System.Globalization;

namespace Runnel.Bench;

/// <summary>The results as Markdown, a table for each part, beside what is aimed at.</summary>
internal static class SplitTables
{
    private const double GoalEchoP50 = 1.5, GoalEchoP99 = 6;
    private const double GoalTimesLatency = 1.2, GoalTimesCpu = 1.1;
    private const double GoalTimesMemory = 1.3, GoalWorkerKiB = 8;

    public static BenchReport Of(SplitResults results, SplitSettings settings)
    {
        var report = new BenchReport(
            "Gateways and workers",
            $"One process (`runserver`) beside a gateway (`runserver --noworker`) and one worker (`runworker`), both on {results.Layer}; messages of {BenchMessage.Length} bytes, {settings.Rounds} rounds, {settings.Seconds} s of the echo and of the group in each; the median of the rounds (lowest–highest), and the ratio of the rounds.");
        foreach (var part in settings.Parts)
        {
            var (title, table) = part switch
            {
                SplitRun.Echo => (Invariant($"Echo: {settings.Sockets:N0} sockets, {settings.Rate:N0} messages a second in all"), EchoOf(results)),
                SplitRun.Group => (Invariant($"Group: {settings.Members:N0} sockets, one message each {Pace.Paced.Interval.TotalMilliseconds:N0} ms"), GroupOf(results)),
                _ => (Invariant($"Memory: {settings.Connections:N0} idle connections in one group"), MemoryOf(results)),
            };
            report.Add(title, table);
        }
        return report;
    }

    private static MarkdownTable EchoOf(SplitResults results)
    {
        var rows = RowsOf(SplitRun.Echo, results)
            .AddAtMost(GoalEchoP50, "sent → received back, p50, ms", round => round.P50, "F2")
            .AddAtMost(GoalEchoP99, "sent → received back, p99, ms", round => round.P99, "F2")
            .Add("CPU per message, µs", round => round.Application, "F0")
            .Add("… of the process with the sockets", round => round.Front, "F0")
            .AddOfSplit("… of the worker", round => round.Worker, "F0");
        return WithServer(rows, results);
    }

    private static MarkdownTable GroupOf(SplitResults results)
    {
        var rows = RowsOf(SplitRun.Group, results)
            .AddAtMostTimes(GoalTimesLatency, "published → received, p50, ms", round => round.P50, "F2")
            .AddAtMostTimes(GoalTimesLatency, "published → received, p99, ms", round => round.P99, "F2")
            .AddAtMostTimes(GoalTimesCpu, "CPU per delivery of the process with the sockets, µs", round => round.Front, "F2")
            .AddOfSplit("… of the worker, which publishes", round => round.Worker, "F2");
        return WithServer(rows, results);
    }

    private static MarkdownTable MemoryOf(SplitResults results) =>
        new SideBySide<SplitMemory>(results.Memory(SplitWay.OneProcess), results.Memory(SplitWay.Split))
            .AddAtMostTimes(GoalTimesMemory, "resident per connection, process with the sockets, KiB", round => round.Front.ResidentPerConnection / 1024, "F1")
            .Add("… managed heap", round => round.Front.HeapPerConnection / 1024, "F1")
            .AddOfSplit("resident per connection, worker, KiB", round => round.Worker!.ResidentPerConnection / 1024, "F1", GoalWorkerKiB)
            .AddOfSplit("… managed heap", round => round.Worker!.HeapPerConnection / 1024, "F1")
            .Table;

    private static SideBySide<SplitRound> RowsOf(string part, SplitResults results) => new(results.Rounds(part, SplitWay.OneProcess), results.Rounds(part, SplitWay.Split));

    private static MarkdownTable WithServer(SideBySide<SplitRound> rows, SplitResults results) =>
        (results.Server.Length > 0 ? rows.Add($"… and of {results.Server}", round => round.Server, "F2") : rows).Table;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
