using System.Globalization;

namespace Runnel.Bench;

/// <summary>Every target in turn, round after round, on the same layer.</summary>
internal static class ScaleOutRun
{
    public static async Task<ScaleOutResults> RunAsync(ScaleOutSettings settings, CancellationToken cancellationToken)
    {
        await using var store = await QueueStore.OpenAsync(settings.Layer, "everysec", cancellationToken);
        var targets = TargetsOn(store).Where(target => settings.Targets.Count == 0 || settings.Targets.Contains(target)).ToList();
        if (targets.Count == 0)
            throw new BenchException($"None of these targets runs on {store.Scheme}:.");
        var results = new ScaleOutResults(store, targets);
        for (var round = 0; round < settings.Rounds; round++)
        {
            for (var turn = 0; turn < targets.Count; turn++)
            {
                // Another one begins each round: no target has always the same one before it.
                var target = targets[(round + turn) % targets.Count];
                await using var pair = await NodePair.StartAsync(target, store, settings.Connections, cancellationToken);
                await MeasureAsync(pair, target, round, settings, results, cancellationToken);
            }
        }
        return results;
    }

    private static IReadOnlyList<string> TargetsOn(QueueStore store) => store.Scheme switch
    {
        "redis" or "amqp" => [FanoutTargets.Runnel, FanoutTargets.Bare],
        "sqlite" => [FanoutTargets.Runnel],
        var scheme => throw new BenchException($"{scheme}: reaches no other node; this runs on redis:, amqp: and sqlite:PATH."),
    };

    private static async Task MeasureAsync(NodePair pair, string target, int round, ScaleOutSettings settings, ScaleOutResults results, CancellationToken cancellationToken)
    {
        foreach (var rate in settings.Rates)
            await pair.PublishAsync(rate, settings.Connections, settings.WarmUpSeconds, cancellationToken);
        foreach (var rate in settings.Rates)
        {
            var figures = await pair.PublishAsync(rate, settings.Connections, settings.Seconds, cancellationToken);
            results.Add(target, rate, figures);
            await Console.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"round {round + 1} of {settings.Rounds}, {target}, {rate:N0} a second: p50 {figures.P50:F2} ms, p99 {figures.P99:F2} ms, {figures.Publisher + figures.Subscriber:F0} µs CPU per message"));
        }
    }
}
