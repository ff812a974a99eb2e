using System.Diagnostics;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>The workers of a run: killed, stopped and started anew.</summary>
internal sealed class ChaosWorkers : IAsyncDisposable
{
    private readonly string _address;
    private readonly string _folder;
    private readonly ChildProcess[] _workers;
    private readonly string[] _names;
    private int _started;

    public ChaosWorkers(string address, string folder, int count)
    {
        _address = address;
        _folder = folder;
        _names = new string[count];
        _workers = [.. Enumerable.Range(0, count).Select(Start)];
    }

    /// <summary>Waits until all work.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        foreach (var worker in _workers)
            await worker.AskAsync<bool>(cancellationToken, "ready");
    }

    /// <summary>Kills one, and starts another in its place.</summary>
    /// <returns>How many messages it held.</returns>
    public async Task<long> KillAsync(int index, ChaosStore store, CancellationToken cancellationToken)
    {
        var worker = _workers[index];
        await worker.AskAsync<bool>(cancellationToken, "ready");
        await Signals.StopAsync(worker.Id, cancellationToken);
        var held = await store.CountHeldAsync(worker.Id, cancellationToken);
        await ReplaceAsync(index);
        return held;
    }

    /// <summary>Kills the one of a name, in the middle of what it does, and starts another in its place.</summary>
    /// <returns>When (the machine's monotonic clock).</returns>
    public async Task<long> KillAsync(string name)
    {
        var killed = Stopwatch.GetTimestamp();
        await ReplaceAsync(Array.IndexOf(_names, name));
        return killed;
    }

    /// <summary>Stops one for a while.</summary>
    /// <returns>How many messages it held that others are given meanwhile.</returns>
    public async Task<long> StopAsync(int index, ChaosStore store, TimeSpan time, CancellationToken cancellationToken)
    {
        var worker = _workers[index];
        await worker.AskAsync<bool>(cancellationToken, "ready");
        await Signals.StopAsync(worker.Id, cancellationToken);
        ChaosFiles.Tell($"worker {_names[index]} stands still");
        var lost = await store.CountLostByStandingStillAsync(worker.Id, cancellationToken);
        await Task.Delay(time, TimeProvider.System, cancellationToken);
        ChaosFiles.Tell($"worker {_names[index]} goes on");
        Signals.GoOn(worker.Id);
        return lost;
    }

    /// <summary>Stops all, until <see cref="GoOn"/>.</summary>
    public async Task FreezeAsync(CancellationToken cancellationToken)
    {
        foreach (var worker in _workers)
            await Signals.StopAsync(worker.Id, cancellationToken);
    }

    public void GoOn()
    {
        foreach (var worker in _workers)
            Signals.GoOn(worker.Id);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
            await worker.DisposeAsync();
    }

    private async Task ReplaceAsync(int index)
    {
        ChaosFiles.Tell($"worker {_names[index]} is killed");
        await _workers[index].KillAsync();
        await _workers[index].DisposeAsync();
        _workers[index] = Start(index);
    }

    private ChildProcess Start(int index)
    {
        _names[index] = (++_started).ToString(CultureInfo.InvariantCulture);
        return ChildProcess.StartSmall("chaos-worker", _address, _folder, _names[index]);
    }
}
