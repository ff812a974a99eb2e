using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Bench;

/// <summary>How soon a message begins elsewhere whose worker is killed while it handles it.</summary>
internal sealed class Handover(ChaosStore store, ChaosWorkers workers, IChannels channels)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static async Task RunAsync(ChaosSettings settings, ChaosStore store, ChaosVerdict verdict, CancellationToken cancellationToken)
    {
        using var host = ChaosHost.Create(store.Address, works: false);
        await host.StartAsync(cancellationToken);
        var times = new List<TimeSpan>();
        await using (var workers = new ChaosWorkers(store.Address, store.Folder, count: 2))
        {
            var handover = new Handover(store, workers, host.Services.GetRequiredService<IChannels>());
            for (var number = 1; number <= settings.Handovers; number++)
                times.Add(await handover.MeasureAsync(number, cancellationToken));
        }
        await host.StopAsync(cancellationToken);

        times.Sort();
        verdict.Note("a killed worker's message begins elsewhere, p50, ms", (long)times[times.Count / 2].TotalMilliseconds);
        verdict.AtMost("… the slowest, ms", (long)times[^1].TotalMilliseconds, (long)store.LongestHandover.TotalMilliseconds);
    }

    private async Task<TimeSpan> MeasureAsync(int number, CancellationToken cancellationToken)
    {
        await workers.WaitUntilReadyAsync(cancellationToken);
        await channels.SendAsync(ChaosHost.HandoverChannel, new ChaosMessage(number, null, 0, 0, Fails: false), cancellationToken: cancellationToken);
        var holder = await WaitAsync(() => ChaosFiles.FindWorker(store.Folder, execution => execution.Number == number), cancellationToken);
        var killed = await workers.KillAsync(holder);
        var next = await WaitAsync(() => ChaosFiles.ReadHandled(store.Folder).FirstOrDefault(execution => execution.Number == number && execution.Crashes > 0), cancellationToken);
        return Stopwatch.GetElapsedTime(killed, next.Began);
    }

    private static async Task<T> WaitAsync<T>(Func<T?> find, CancellationToken cancellationToken)
        where T : class
    {
        for (var began = Stopwatch.GetTimestamp(); ;)
        {
            if (find() is { } found)
                return found;
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new BenchException($"A message was not handled within {Patience}.");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellationToken);
        }
    }
}
