using System.Globalization;

namespace Runnel.Bench;

/// <summary>Both ways in turn, round after round, on the same layer. Each measurement has fresh processes.</summary>
internal sealed class SplitRun
{
    public const string Echo = "echo", Group = "group", Memory = "memory";

    private readonly SplitSettings _settings;
    private readonly QueueStore _store;
    private readonly SplitResults _results;

    private SplitRun(SplitSettings settings, QueueStore store)
    {
        (_settings, _store) = (settings, store);
        _results = new SplitResults(store);
    }

    public static IReadOnlyList<string> Parts { get; } = [Echo, Group, Memory];

    public static async Task<SplitResults> RunAsync(SplitSettings settings, CancellationToken cancellationToken)
    {
        if (QueueStore.SchemeOf(settings.Layer) == "memory")
            throw new BenchException("memory: reaches no other process; this runs on redis:, amqp: and sqlite:PATH.");
        await using var store = await QueueStore.OpenAsync(settings.Layer, "everysec", cancellationToken);
        var run = new SplitRun(settings, store);
        foreach (var round in Enumerable.Range(0, settings.Rounds))
        {
            // Another one begins each round: none has always the same one before it.
            SplitWay[] ways = round % 2 == 0 ? [SplitWay.OneProcess, SplitWay.Split] : [SplitWay.Split, SplitWay.OneProcess];
            foreach (var part in settings.Parts)
            {
                foreach (var way in ways)
                    await run.MeasureAsync(part, way, round, cancellationToken);
            }
        }
        return run._results;
    }

    private async Task MeasureAsync(string part, SplitWay way, int round, CancellationToken cancellationToken)
    {
        await using var cluster = await SplitCluster.StartAsync(way, _store, cancellationToken);
        var found = part == Memory ? await MemoryAsync(cluster, way, cancellationToken) : await SendAsync(part, cluster, way, cancellationToken);
        await Console.Error.WriteLineAsync($"round {round + 1} of {_settings.Rounds}, {part}, {(way == SplitWay.Split ? "split" : "one process")}: {found}");
    }

    private async Task<string> SendAsync(string part, SplitCluster cluster, SplitWay way, CancellationToken cancellationToken)
    {
        var isEcho = part == Echo;
        await cluster.ConnectAsync(isEcho ? SplitNode.Echo : SplitNode.Group, isEcho ? _settings.Sockets : _settings.Members, cancellationToken);
        await OnceAsync(_settings.WarmUpSeconds);
        var figures = await OnceAsync(_settings.Seconds);
        _results.Add(part, way, figures);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"p50 {figures.P50:F2} ms, p99 {figures.P99:F2} ms, {figures.Front:F1} + {figures.Worker:F1} µs CPU for each message received");

        Task<SplitRound> OnceAsync(int seconds) => isEcho
            ? cluster.EchoAsync(_settings.Rate, seconds, cancellationToken)
            : cluster.PublishAsync(Pace.Paced, _settings.Members, seconds, cancellationToken);
    }

    private async Task<string> MemoryAsync(SplitCluster cluster, SplitWay way, CancellationToken cancellationToken)
    {
        await cluster.ConnectAsync(SplitNode.Group, IdleRun.FirstConnections, cancellationToken);
        await cluster.DisconnectAsync(cancellationToken);
        var before = await cluster.SettleAsync(cancellationToken);

        await cluster.ConnectAsync(SplitNode.Group, _settings.Connections, cancellationToken);
        var after = await cluster.SettleAsync(cancellationToken);
        var figures = new SplitMemory(
            IdleRound.Of(before.Front, after.Front, _settings.Connections),
            after.Worker is null ? null : IdleRound.Of(before.Worker!, after.Worker, _settings.Connections));
        _results.Add(way, figures);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{figures.Front.ResidentPerConnection / 1024:F1} + {(figures.Worker?.ResidentPerConnection ?? 0) / 1024:F1} KiB per connection");
    }
}
