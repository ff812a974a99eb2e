using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Bench;

/// <summary>A job that takes many lease periods in a process whose thread pool has no thread to spare, beside another worker that would take it over.</summary>
internal static class LongJob
{
    public static async Task RunAsync(ChaosSettings settings, ChaosStore store, ChaosVerdict verdict, CancellationToken cancellationToken)
    {
        using (var host = ChaosHost.Create(store.Address, works: false))
        {
            await host.StartAsync(cancellationToken);
            var message = new ChaosMessage((long)settings.LongJob.TotalMilliseconds, null, 0, 0, Fails: false);
            await host.Services.GetRequiredService<IChannels>().SendAsync(ChaosHost.LongChannel, message, cancellationToken: cancellationToken);
            await host.StopAsync(cancellationToken);
        }

        await using (var workers = new ChaosWorkers(store.Address, store.Folder, count: 2))
            await ChaosRun.WaitUntilAsync(async () => await store.CountMessagesAsync(cancellationToken) == 0, "the long job to end", cancellationToken);
        var periods = (long)(settings.LongJob / ChaosHost.LeaseDuration);
        verdict.Note("lease periods that the long job took, its thread pool starved", periods);
        verdict.Exactly("executions of the long job", ChaosFiles.ReadHandled(store.Folder).Count, 1);
    }
}
