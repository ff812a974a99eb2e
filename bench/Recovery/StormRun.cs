using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>One of two nodes is killed, and its clients come back to the other one, all at once.</summary>
internal static class StormRun
{
    private const int Survivor = 0, Victim = 1;
    private const int PageSize = 100; // of the product
    private static readonly TimeSpan Flow = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static async Task<StormFigures> RunAsync(QueueStore store, RecoverySettings settings, CancellationToken cancellationToken)
    {
        await using var cluster = await RecoveryCluster.StartAsync(await store.NewAddressAsync(cancellationToken), maxBytes: 0, cancellationToken);
        for (var group = 1; group <= settings.Groups; group++)
            await OpenAsync(group, settings.StormClients / settings.Groups);
        var before = await cluster.AskAsync<MemoryFigures>(Survivor, cancellationToken, "settle");
        await ForAllAsync(group => cluster.AskAsync<bool>(Survivor, cancellationToken, "publish", RecoveringGroup.PublisherOf(group, 1), NameOf(group), 1, 0));
        await Task.Delay(Flow, TimeProvider.System, cancellationToken);

        var (reads, cpu) = (await cluster.AskAsync<long>(Survivor, cancellationToken, "reads"), await CpuAsync());
        ProcessMemory.BeginPeak(cluster.IdOf(Survivor));
        await cluster.AskClientsAsync<bool>(cancellationToken, "expect", Stopwatch.GetTimestamp());
        await cluster.KillAsync(Victim);
        if (settings.Missed > 0)
            await ForAllAsync(group => cluster.AskAsync<bool>(Survivor, cancellationToken, "send", RecoveringGroup.PublisherOf(group, 2), NameOf(group), settings.Missed));
        var returns = await cluster.AskClientsAsync<ReturnFigures>(cancellationToken, "returns", settings.StormClients / settings.Groups / (settings.AllReturn ? 1 : 2) * settings.Groups, Patience.TotalSeconds);
        var (readsAfter, cpuAfter) = (await cluster.AskAsync<long>(Survivor, cancellationToken, "reads"), await CpuAsync());
        var peak = ProcessMemory.Peak(cluster.IdOf(Survivor));

        await cluster.AskAsync<bool>(Survivor, cancellationToken, "hold");
        var audit = await cluster.AuditAsync(Patience, cancellationToken);
        var rest = await cluster.AskAsync<MemoryFigures>(Survivor, cancellationToken, "settle");
        return new StormFigures(
            returns,
            audit,
            readsAfter - reads,
            settings.Groups * (1 + (audit.Sent / settings.Groups / PageSize)),
            cpuAfter.Survivor - cpu.Survivor,
            cpuAfter.Clients - cpu.Clients,
            cpuAfter.Server - cpu.Server,
            before.ResidentBytes,
            peak,
            rest.ResidentBytes);

        Task OpenAsync(int group, int count) => settings.AllReturn
            ? cluster.OpenAtSecondAsync(NameOf(group), group, count, cancellationToken)
            : cluster.OpenAsync(NameOf(group), group, count, withSmallBuffer: 0, cancellationToken);

        async Task ForAllAsync(Func<int, Task<bool>> act)
        {
            for (var group = 1; group <= settings.Groups; group++)
                await act(group);
        }

        async Task<(double Survivor, double Clients, double Server)> CpuAsync() =>
        (
            (await cluster.AskAsync<ServerFigures>(Survivor, cancellationToken, "figures")).CpuMicroseconds / 1e6,
            (await cluster.AskClientsAsync<ServerFigures>(cancellationToken, "figures")).CpuMicroseconds / 1e6,
            (await store.ServerCpuTimeAsync(cancellationToken)).TotalSeconds
        );
    }

    private static string NameOf(int group) => $"kept.storm.{group}";
}
