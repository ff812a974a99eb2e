using System.Globalization;

namespace Runnel.Bench;

/// <summary>The results as Markdown, beside the goals.</summary>
internal static class QueueTables
{
    private static readonly string[] Rates = [QueueRun.OneCaller, QueueRun.ManyCallers, QueueRun.Bulk, QueueRun.Process, QueueRun.Keys];
    private static readonly string[] Times = [QueueRun.Start, QueueRun.Delays, QueueRun.Burst];

    public static BenchReport Of(QueueResults results, QueueSettings settings)
    {
        var scheme = results.Scheme;
        var goals = QueueGoals.Of(scheme);
        var report = new BenchReport(
            $"The work queue on {scheme}:",
            $"Durability: {results.Durability}. Messages of {BenchWork.Length} bytes of JSON through SendAsync, the layer, the worker and its handler, all in one process; {settings.Rounds} rounds; the median of the rounds (lowest–highest).{(results.Peer.Length > 0 ? " " + results.Peer : "")}")
            .Add("Messages a second", RatesOf(results, goals));
        if (goals is { ShareOfBareRate: { } rate, ShareOfPeerCpu: { } cpu })
            report.Add("CPU time, µs each", QueueShareTables.CpuOf(results)).Add("Beside the others", QueueShareTables.SharesOf(results, rate, cpu));
        return report.Add("Milliseconds", TimesOf(results, goals)).Add("Promises", PromisesOf(results));
    }

    private static MarkdownTable RatesOf(QueueResults results, QueueGoals goals)
    {
        var table = new MarkdownTable([
            "what", "a second", "CPU, µs each", "garbage, B each", "goal", "met", "bare loop, a second", "its CPU, µs each", "rate ÷ bare loop's",
            .. IfPeer(results, $"{results.PeerName}, a second", "its CPU, µs each", $"rate ÷ {results.PeerName}'s"),
        ]);
        foreach (var name in Rates)
        {
            var ours = results.CostsOf(name);
            var rate = Spread.Of(ours.Select(cost => cost.PerSecond));
            double? goal = goals.Rates.TryGetValue(name, out var number) ? number : null;
            table.Add([
                name,
                rate.ToString("N0"),
                Spread.Of(ours.Select(cost => cost.CpuMicroseconds)).ToString("F2"),
                Spread.Of(ours.Select(cost => cost.Garbage)).ToString("N0"),
                goal is null ? "" : Number(goal.Value, "N0"),
                goal is null ? "" : Answer(rate.Median >= goal),
                .. Beside(ours, results.CostsOf(QueueRun.BareOf(name))),
                .. IfPeer(results, Beside(ours, results.CostsOf(QueueRun.PeerOf(name)), LeftOut(results))),
            ]);
        }
        return table;
    }

    private static string[] Beside(IReadOnlyList<Cost> ours, IReadOnlyList<Cost> theirs, string without = "") => theirs.Count == 0 ? [without, "", ""] :
    [
        Spread.Of(theirs.Select(cost => cost.PerSecond)).ToString("N0"),
        Spread.Of(theirs.Select(cost => cost.CpuMicroseconds)).ToString("F2"),
        Spread.Of(ours.Zip(theirs, (mine, other) => mine.PerSecond / other.PerSecond)).ToString("F2"),
    ];

    private static MarkdownTable TimesOf(QueueResults results, QueueGoals goals)
    {
        var table = new MarkdownTable(["what", "p50", "p99", "last", "goal", "met", .. IfPeer(results, $"{results.PeerName}, p50", "its p99")]);
        foreach (var name in Times)
        {
            var (rounds, peer) = (results.LatenessOf(name), results.LatenessOf(QueueRun.PeerOf(name)));
            var (p50, p99, max) = (P50Of(rounds), P99Of(rounds), Spread.Of(rounds.Select(round => round.Max)));
            var goal = goals.Lateness[name];
            var met = (goal.P50 is null || p50.Median <= goal.P50) && (goal.P99 is null || p99.Median <= goal.P99) && (goal.Max is null || max.Median <= goal.Max);
            table.Add([
                name, p50.ToString("F2"), p99.ToString("F2"), max.ToString("F2"), string.Join(" / ", Goals(goal)), Answer(met),
                .. IfPeer(results, peer.Count == 0 ? [LeftOut(results), ""] : [P50Of(peer).ToString("F2"), P99Of(peer).ToString("F2")]),
            ]);
        }
        return table;
    }

    private static Spread P50Of(IReadOnlyList<Lateness> rounds) => Spread.Of(rounds.Select(round => round.P50));

    private static Spread P99Of(IReadOnlyList<Lateness> rounds) => Spread.Of(rounds.Select(round => round.P99));

    private static string[] IfPeer(QueueResults results, params string[] cells) => results.Peer.Length > 0 ? cells : [];

    private static string LeftOut(QueueResults results) => results.CostsOf(QueueRun.PeerOf(QueueRun.OneCaller)).Count == 0 ? "left out" : "";

    private static MarkdownTable PromisesOf(QueueResults results)
    {
        var table = new MarkdownTable("what", "counted", "allowed", "met");
        var early = results.LatenessOf(QueueRun.Delays).Concat(results.LatenessOf(QueueRun.Burst)).Sum(round => round.Early);
        table.Add("messages out of their key's turn", Number(results.Violations, "N0"), "0", Answer(results.Violations == 0));
        table.Add("messages before they were due", Number(early, "N0"), "0", Answer(early == 0));
        return table;
    }

    private static IEnumerable<string> Goals((double? P50, double? P99, double? Max) goal)
    {
        if (goal.P50 is { } p50)
            yield return "p50 " + Number(p50, "0.##");
        if (goal.P99 is { } p99)
            yield return "p99 " + Number(p99, "0.##");
        if (goal.Max is { } max)
            yield return "last " + Number(max, "0.##");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Answer(bool met) => met ? "yes" : "no";
}
