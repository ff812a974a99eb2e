using System.Diagnostics;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>The ledger test: messages go on, whatever is killed.</summary>
internal sealed class ChaosRun(ChaosSettings settings, QueueStore store)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Random _random = new(settings.Seed);

    public static async Task<ChaosVerdict> RunAsync(ChaosSettings settings, CancellationToken cancellationToken)
    {
        using var store = new QueueStore(settings.Layer);
        if (!store.IsDurable)
            throw new BenchException("Only a layer that outlives a process can be killed: use sqlite:PATH.");
        var verdict = new ChaosVerdict();
        var run = new ChaosRun(settings, store);
        await run.KeepLedgerAsync(verdict, cancellationToken);
        await LongJob.RunAsync(settings, store, verdict, cancellationToken);
        return verdict;
    }

    private async Task KeepLedgerAsync(ChaosVerdict verdict, CancellationToken cancellationToken)
    {
        var file = store.NewFile();
        var (address, folder) = ($"sqlite:{file}", Directory.CreateDirectory(file + ".ledger").FullName);
        long held;
        await using (var workers = new ChaosWorkers(address, folder, settings.Workers))
        {
            await workers.WaitUntilReadyAsync(cancellationToken);
            using var claims = new ClaimLedger(file);
            held = await SendAndKillAsync(address, folder, workers, claims, cancellationToken);
            await DrainAsync(claims, cancellationToken);
        }
        Ledger.Audit(folder, held, verdict);
        using var left = new ClaimLedger(file);
        verdict.AtMost("rows left, all tables", left.RowsLeft().Values.Sum(), 0);
        verdict.AtMost("files left beside the database", Directory.EnumerateFiles(file + ".bell").Count(), 0);
    }

    /// <returns>How many messages the killed workers held.</returns>
    private async Task<long> SendAndKillAsync(string address, string folder, ChaosWorkers workers, ClaimLedger claims, CancellationToken cancellationToken)
    {
        var (held, granted, producers) = (0L, 0, 0);
        var producer = StartProducer();
        try
        {
            for (var kill = 0; kill < settings.Kills; kill++)
            {
                await GrantAsync(settings.Messages / (settings.Kills + 1));
                await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(20, 400)), TimeProvider.System, cancellationToken);
                held += await workers.KillAsync(_random.Next(settings.Workers), claims, cancellationToken);
                if (kill == settings.Kills / 4)
                {
                    // What was granted and not confirmed yet is granted anew: it may have been stored all the same.
                    await producer.KillAsync();
                    await producer.DisposeAsync();
                    granted = ChaosFiles.ReadConfirmed(folder).Count;
                    producer = StartProducer();
                }
                if (kill == settings.Kills / 2)
                    await workers.StopAsync(_random.Next(settings.Workers), settings.Stop, cancellationToken);
                await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"kill {kill + 1} of {settings.Kills}: {held} messages held by the killed so far"));
            }
            await GrantAsync(settings.Messages - granted);
            await WaitUntilAsync(() => ChaosFiles.ReadConfirmed(folder).Count >= settings.Messages, "the producer to have everything confirmed", cancellationToken);
            return held;
        }
        finally
        {
            await producer.DisposeAsync();
        }

        ChildProcess StartProducer() => ChildProcess.StartSmall("chaos-producer", address, folder, (++producers).ToString(CultureInfo.InvariantCulture));

        async Task GrantAsync(int count)
        {
            await producer.AskAsync<long>(cancellationToken, "grant", count);
            granted += count;
        }
    }

    private static Task DrainAsync(ClaimLedger claims, CancellationToken cancellationToken) => WaitUntilAsync(() => claims.Messages == 0, "the channel to be empty", cancellationToken);

    internal static async Task WaitUntilAsync(Func<bool> condition, string what, CancellationToken cancellationToken)
    {
        for (var began = Stopwatch.GetTimestamp(); !condition();)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new BenchException($"Waited {Patience} for {what}, in vain.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellationToken);
        }
    }
}
