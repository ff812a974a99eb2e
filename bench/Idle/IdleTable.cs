namespace Runnel.Bench;

/// <summary>The results as Markdown.</summary>
internal static class IdleTable
{
    public static BenchReport Of(IReadOnlyDictionary<string, List<IdleRound>> results, IdleSettings settings)
    {
        var table = new MarkdownTable("target", "resident per connection, KiB", "managed heap per connection, KiB", "resident ÷ SignalR's");
        foreach (var target in settings.Targets)
        {
            var rounds = results[target];
            table.Add(
                FanoutTargets.TitleOf(target),
                Spread.Of(rounds.Select(round => round.ResidentPerConnection / 1024)).ToString("F1"),
                Spread.Of(rounds.Select(round => round.HeapPerConnection / 1024)).ToString("F1"),
                results.TryGetValue(FanoutTargets.SignalR, out var signalR) ? RatioOf(rounds, signalR) : "");
        }

        return new BenchReport(
            "Idle connections",
            $"{settings.Connections:N0} connections in one group, none of which says anything; {settings.Rounds} rounds; the median of the rounds (lowest–highest).")
            .Add("Memory", table);
    }

    private static string RatioOf(List<IdleRound> rounds, List<IdleRound> signalR) =>
        Spread.Of(rounds.Zip(signalR, (ours, theirs) => ours.ResidentPerConnection / theirs.ResidentPerConnection)).ToString("F2");
}
