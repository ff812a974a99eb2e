using System.Diagnostics;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>The ledger test: messages go on, whatever is killed.</summary>
internal sealed class ChaosRun(ChaosSettings settings, ChaosStore store)
{
    private const int FirstMessages = 1_000; // enough for each queue that there may be
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Random _random = new(settings.Seed);
    private readonly List<ServerReturn> _returns = [];
    private readonly List<(long From, long To)> _outages = [];
    private long _held;

    public static async Task<ChaosVerdict> RunAsync(ChaosSettings settings, CancellationToken cancellationToken)
    {
        await using var stores = await QueueStore.OpenAsync(settings.Layer, "always", cancellationToken);
        var verdict = new ChaosVerdict(stores.Durability);
        await using (var store = await ChaosStore.CreateAsync(stores, cancellationToken))
            await new ChaosRun(settings, store).KeepLedgerAsync(verdict, cancellationToken);
        if (settings.Handovers > 0)
        {
            await using var store = await ChaosStore.CreateAsync(stores, cancellationToken);
            await Handover.RunAsync(settings, store, verdict, cancellationToken);
        }
        await using (var store = await ChaosStore.CreateAsync(stores, cancellationToken))
            await LongJob.RunAsync(settings, store, verdict, cancellationToken);
        return verdict;
    }

    internal static async Task WaitUntilAsync(Func<Task<bool>> condition, string what, CancellationToken cancellationToken)
    {
        for (var began = Stopwatch.GetTimestamp(); !await condition();)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new BenchException($"Waited {Patience} for {what}, in vain.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellationToken);
        }
    }

    private async Task KeepLedgerAsync(ChaosVerdict verdict, CancellationToken cancellationToken)
    {
        long failed;
        await using (var workers = new ChaosWorkers(store.Address, store.Folder, settings.Workers))
        {
            await workers.WaitUntilReadyAsync(cancellationToken);
            await using (var producers = new ChaosProducers(store.Address, store.Folder, settings.Messages))
            {
                await SendAndKillAsync(producers, workers, cancellationToken);
                failed = await producers.FinishAsync(cancellationToken);
            }
            await WaitUntilAsync(async () => await store.CountMessagesAsync(cancellationToken) == 0, "the channel to be empty", cancellationToken);
            await WaitUntilAsync(() => store.HasForgottenTheDeadAsync(settings.Workers, cancellationToken), "the killed workers to be forgotten by the others", cancellationToken);
        }
        Ledger.Audit(store, _held, _outages, verdict);
        if (_returns.Count == 0)
        {
            verdict.AtMost("messages that could not be sent", failed, 0);
        }
        else
        {
            verdict.Note("messages that could not be sent at first, since the server was away", failed);
            Ledger.AuditReturns(store.Folder, _returns, store.LongestReturn, verdict);
        }
        await store.AuditLeftAsync(verdict, cancellationToken);
    }

    private async Task SendAndKillAsync(ChaosProducers producers, ChaosWorkers workers, CancellationToken cancellationToken)
    {
        var (serverKills, serverKilled) = (store.Server is null ? 0 : settings.ServerKills, 0);
        var portion = settings.Messages / (settings.Kills + (store.RateAtServerKills is null ? serverKills : 0) + 1);
        if (store.Grace > TimeSpan.Zero)
        {
            await producers.GrantAsync(FirstMessages, cancellationToken);
            await Task.Delay(store.Grace, TimeProvider.System, cancellationToken);
        }
        for (var kill = 1; kill <= settings.Kills; kill++)
        {
            await producers.GrantAsync(portion, cancellationToken);
            await PauseAsync(20, 400, cancellationToken);
            _held += await workers.KillAsync(_random.Next(settings.Workers), store, cancellationToken);
            if (kill == (settings.Kills / 4) + 1)
                await producers.KillAsync(cancellationToken);
            if (kill == (settings.Kills / 2) + 1)
                _held += await workers.StopAsync(_random.Next(settings.Workers), store, settings.Stop, cancellationToken);
            for (; serverKilled < serverKills * kill / settings.Kills; serverKilled++)
            {
                await KillServerAsync(store.Server!, portion, producers, workers, cancellationToken);
            }
            await Console.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"kill {kill} of {settings.Kills}, the server killed {serverKilled} times: {_held} messages held by the killed so far"));
        }
    }

    /// <summary>The server dies in the middle of the work, and comes back with what its file holds.</summary>
    private async Task KillServerAsync(IServerProcess server, int portion, ChaosProducers producers, ChaosWorkers workers, CancellationToken cancellationToken)
    {
        await workers.WaitUntilReadyAsync(cancellationToken); // whether one can begin without its server is another question
        if (store.RateAtServerKills is { } rate)
        {
            // What waits behind the messages of the kills before would tell of those, and not of the server's return.
            await WaitUntilAsync(async () => await store.CountMessagesAsync(cancellationToken) < rate, "what was sent before to be handled", cancellationToken);
            await using var pace = producers.Pace(rate);
            await PauseAsync(500, 1_500, cancellationToken);
            await KillServerAsync(server, producers, workers, cancellationToken);
            await PauseAsync(1_000, 2_000, cancellationToken);
        }
        else
        {
            await producers.GrantAsync(portion, cancellationToken);
            await PauseAsync(20, 100, cancellationToken);
            await KillServerAsync(server, producers, workers, cancellationToken);
        }
    }

    private async Task KillServerAsync(IServerProcess server, ChaosProducers producers, ChaosWorkers workers, CancellationToken cancellationToken)
    {
        var asked = Stopwatch.GetTimestamp();
        _held += store.RemembersHoldersBeyondDeath ? 0 : await store.CountHeldByAllAsync(cancellationToken);
        ChaosFiles.Tell("the server is killed");
        server.Kill();
        await PauseAsync(100, 2_000, cancellationToken);
        if (store.RemembersHoldersBeyondDeath)
        {
            await RestartFrozenAsync(server, workers, cancellationToken);
        }
        else
        {
            await server.RestartAsync(cancellationToken);
            _outages.Add((asked, Stopwatch.GetTimestamp()));
        }
        ChaosFiles.Tell("the server is there again");
        _returns.Add(new ServerReturn(Stopwatch.GetTimestamp(), await producers.LastNumberAsync(cancellationToken)));
        await producers.GrantAsync(ChaosProducer.CallerCount, cancellationToken);
    }

    private async Task RestartFrozenAsync(IServerProcess server, ChaosWorkers workers, CancellationToken cancellationToken)
    {
        await workers.FreezeAsync(cancellationToken);
        try
        {
            // What they held when it died is what it finds in its file. Their leases may be over by now, so others may be given all of it.
            await server.RestartAsync(cancellationToken);
            _held += await store.CountHeldByAllAsync(cancellationToken);
        }
        finally
        {
            workers.GoOn();
        }
    }

    private Task PauseAsync(int least, int most, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(_random.Next(least, most)), TimeProvider.System, cancellationToken);
}
