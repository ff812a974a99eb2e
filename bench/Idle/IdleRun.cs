using System.Globalization;

namespace Runnel.Bench;

/// <summary>Every target in turn, each time in a fresh server.</summary>
internal static class IdleRun
{
    /// <summary>Enough to compile and fill what is needed once, few enough to leave next to nothing in the pools.</summary>
    public const int FirstConnections = 50;

    public static async Task<IReadOnlyDictionary<string, List<IdleRound>>> RunAsync(IdleSettings settings, CancellationToken cancellationToken)
    {
        var results = settings.Targets.ToDictionary(target => target, _ => new List<IdleRound>());
        for (var round = 0; round < settings.Rounds; round++)
        {
            foreach (var target in settings.Targets)
            {
                var figures = await MeasureAsync(target, settings.Connections, cancellationToken);
                results[target].Add(figures);
                await Console.Error.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"round {round + 1} of {settings.Rounds}, {target}: {figures.ResidentPerConnection / 1024:F1} KiB per connection"));
            }
        }

        return results;
    }

    private static async Task<IdleRound> MeasureAsync(string target, int connections, CancellationToken cancellationToken)
    {
        await using var peer = TargetUnderLoad.Start(target);
        await peer.ConnectAsync(FirstConnections, cancellationToken);
        await peer.DisconnectAsync(cancellationToken);
        var before = await peer.SettleAsync(cancellationToken);

        await peer.ConnectAsync(connections, cancellationToken);
        var after = await peer.SettleAsync(cancellationToken);
        return IdleRound.Of(before, after, connections);
    }
}
