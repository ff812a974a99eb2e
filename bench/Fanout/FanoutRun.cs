using System.Globalization;

namespace Runnel.Bench;

/// <summary>Every target in turn, round after round, so that what disturbs the machine for a while disturbs all of them.</summary>
internal static class FanoutRun
{
    public static async Task<FanoutResults> RunAsync(FanoutSettings settings, CancellationToken cancellationToken)
    {
        var results = new FanoutResults();
        for (var round = 0; round < settings.Rounds; round++)
        {
            for (var turn = 0; turn < settings.Targets.Count; turn++)
            {
                // Another one begins each round: no target has always the same one before it.
                var target = settings.Targets[(round + turn) % settings.Targets.Count];
                await MeasureAsync(target, round, settings, results, cancellationToken);
            }
        }

        return results;
    }

    /// <summary>A fresh process each time: what the compiler makes of hot code differs from one process to the next, and belongs in the spread.</summary>
    private static async Task MeasureAsync(string target, int round, FanoutSettings settings, FanoutResults results, CancellationToken cancellationToken)
    {
        await using var peer = TargetUnderLoad.Start(target);
        await peer.ConnectAsync(settings.Connections, cancellationToken);
        foreach (var pace in Pace.All)
            await peer.PublishAsync(pace, settings.Connections, settings.WarmUpSeconds, cancellationToken);

        foreach (var pace in Pace.All)
        {
            var figures = await peer.PublishAsync(pace, settings.Connections, settings.Seconds, cancellationToken);
            results.Add(target, pace, figures);
            await Console.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"round {round + 1} of {settings.Rounds}, {target}, {pace.Title}: {figures.CpuMicrosecondsPerDelivery:F2} µs CPU per delivery"));
        }
    }
}
