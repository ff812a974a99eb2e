using System.Globalization;

namespace Runnel.Bench;

/// <summary>The results as Markdown, a table for each rate, beside what is aimed at.</summary>
internal static class ScaleOutTables
{
    // SignalR with its Redis backplane, whose package the bench does not bring: from another run on a machine of this size, to 100 sockets.
    private const double SignalRCpu = 3_200, SignalRP50 = 1.9, SignalRP99 = 4.3;

    private const double GoalP50 = 1, GoalP99 = 5, GoalOfSignalRCpu = 0.5;

    private const string Cited = " SignalR on Redis was not measured in this run: its figures are those of another one, to 100 sockets.";
    private const string BareOnRabbit = " The bare loop publishes without confirms to a direct exchange, and consumes from a classic queue, exclusive and in memory, without acknowledgements.";

    public static BenchReport Of(ScaleOutResults results, ScaleOutSettings settings)
    {
        var report = new BenchReport(
            "Two nodes",
            $"Between them {results.Layer}; messages of {BenchMessage.Length} bytes published to a group on one node, {settings.Connections:N0} sockets of the group on the other, {settings.Rounds} rounds of {settings.Seconds} s at each rate; the median of the rounds (lowest–highest).{(IsOnRabbit(results) ? BareOnRabbit : Cited)}");
        foreach (var rate in settings.Rates)
            report.Add(string.Create(CultureInfo.InvariantCulture, $"{rate:N0} messages a second"), TableOf(rate, results));
        return report;
    }

    private static MarkdownTable TableOf(int rate, ScaleOutResults results)
    {
        var (targets, isCited) = (results.Targets, !IsOnRabbit(results)); // SignalR has no backplane on RabbitMQ
        string[] cited = isCited ? ["SignalR on Redis (cited)"] : [];
        var table = new MarkdownTable(["what", .. targets.Select(target => TitleOf(target, results)), .. cited, "goal", "met"]);
        Add("published → received, p50, ms", round => round.P50, "F2", SignalRP50, GoalP50);
        Add("published → received, p99, ms", round => round.P99, "F2", SignalRP99, GoalP99);
        Add("CPU per message, both nodes, µs", round => round.Publisher + round.Subscriber, "N0", SignalRCpu, GoalOfSignalRCpu * SignalRCpu);
        Add("… of the node that publishes", round => round.Publisher, "N1");
        Add("… of the node with the sockets", round => round.Subscriber, "N0");
        if (results.Server.Length > 0)
            Add($"… and of {results.Server}", round => round.Server, "N1");
        Add("deliveries lost, all rounds", round => round.Lost, "N0", goal: 0, total: true);
        return table;

        void Add(string what, Func<ScaleOutRound, double> figure, string format, double? signalR = null, double? goal = null, bool total = false)
        {
            var cells = targets.Select(target => results[target, rate].Select(figure)).Select(values => total ? Number(values.Sum(), format) : Spread.Of(values).ToString(format));
            goal = signalR is null || isCited ? goal : null;
            string[] theirs = isCited ? [signalR is null ? "" : Number(signalR.Value, "#,0.##")] : [];
            table.Add([what, .. cells, .. theirs, goal is null ? "" : Number(goal.Value, "#,0.##"), Met(figure, goal, total)]);
        }

        string Met(Func<ScaleOutRound, double> figure, double? goal, bool total)
        {
            if (goal is null || !targets.Contains(FanoutTargets.Runnel))
                return "";
            var values = results[FanoutTargets.Runnel, rate].Select(figure);
            return (total ? values.Sum() : Spread.Of(values).Median) <= goal ? "yes" : "no";
        }
    }

    private static bool IsOnRabbit(ScaleOutResults results) => results.Scheme == "amqp";

    private static string TitleOf(string target, ScaleOutResults results) => target == FanoutTargets.Bare
        ? $"{(IsOnRabbit(results) ? "`BasicPublishAsync`" : "`PUBLISH`")}, `WebSocket.SendAsync` loop"
        : FanoutTargets.TitleOf(target);

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
