namespace Runnel.Bench;

/// <summary>The results as Markdown, a table for each pace.</summary>
internal static class FanoutTables
{
    public static BenchReport Of(FanoutResults results, FanoutSettings settings)
    {
        var report = new BenchReport(
            "Fan-out",
            $"{settings.Connections:N0} connections in one group, messages of {BenchMessage.Length} bytes, {settings.Rounds} rounds of {settings.Seconds} s at each pace; the median of the rounds (lowest–highest).");
        foreach (var pace in Pace.All)
            report.Add(pace.Title, TableOf(pace, results, settings.Targets));
        return report;
    }

    private static MarkdownTable TableOf(Pace pace, FanoutResults results, IReadOnlyList<string> targets)
    {
        var table = new MarkdownTable(
            "target", "server CPU per delivery, µs", "deliveries per CPU second, thousand", "p50, ms", "p99, ms", "garbage per delivery, B", "CPU ÷ SignalR's");
        foreach (var target in targets)
        {
            var rounds = results[target, pace];
            table.Add(
                FanoutTargets.TitleOf(target),
                SpreadOf(rounds, round => round.CpuMicrosecondsPerDelivery, "F2"),
                SpreadOf(rounds, round => round.DeliveriesPerCpuSecond / 1_000, "N0"),
                SpreadOf(rounds, round => round.P50Milliseconds, "F1"),
                SpreadOf(rounds, round => round.P99Milliseconds, "F1"),
                SpreadOf(rounds, round => round.GarbagePerDelivery, "F1"),
                targets.Contains(FanoutTargets.SignalR) ? RatioOf(rounds, results[FanoutTargets.SignalR, pace]) : "");
        }

        return table;
    }

    /// <summary>Round by round, as the two were measured side by side.</summary>
    private static string RatioOf(IReadOnlyList<FanoutRound> rounds, IReadOnlyList<FanoutRound> signalR) =>
        Spread.Of(rounds.Zip(signalR, (ours, theirs) => ours.CpuMicrosecondsPerDelivery / theirs.CpuMicrosecondsPerDelivery)).ToString("F2");

    private static string SpreadOf(IReadOnlyList<FanoutRound> rounds, Func<FanoutRound, double> figure, string format) =>
        Spread.Of(rounds.Select(figure)).ToString(format);
}
