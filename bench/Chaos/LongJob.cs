using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Bench;

/// <summary>A job that takes many lease periods in a process whose thread pool has no thread to spare, beside another worker that would take it over.</summary>
internal static class LongJob
{
    public static async Task RunAsync(ChaosSettings settings, QueueStore store, ChaosVerdict verdict, CancellationToken cancellationToken)
    {
        var file = store.NewFile();
        var (address, folder) = ($"sqlite:{file}", Directory.CreateDirectory(file + ".ledger").FullName);
        using (var host = ChaosHost.Create(address, works: false))
        {
            await host.StartAsync(cancellationToken);
            var message = new ChaosMessage((long)settings.LongJob.TotalMilliseconds, null, 0, 0, Fails: false);
            await host.Services.GetRequiredService<IChannels>().SendAsync(ChaosHost.LongChannel, message, cancellationToken: cancellationToken);
            await host.StopAsync(cancellationToken);
        }

        await using (var workers = new ChaosWorkers(address, folder, count: 2))
        {
            using var claims = new ClaimLedger(file);
            await ChaosRun.WaitUntilAsync(() => claims.Messages == 0, "the long job to end", cancellationToken);
        }
        var periods = (long)(settings.LongJob / ChaosHost.LeaseDuration);
        verdict.Note("lease periods that the long job took, its thread pool starved", periods);
        verdict.Exactly("executions of the long job", ChaosFiles.ReadHandled(folder).Count, 1);
    }
}
