using Runnel.Tests.Processes;
using Xunit;

namespace Runnel.Tests.Deployment;

/// <summary>A gateway and its workers on a layer, in short.</summary>
public abstract class WorkerProcessSpecification
{
    private const int Clients = 20;

    [Fact]
    public async Task A_worker_that_is_restarted_and_one_that_is_killed_close_no_socket_and_nothing_is_lost_doubled_or_reordered()
    {
        await using var fleet = new Fleet(await LayerAsync());
        var (gateway, leaving, staying) = (fleet.StartGatewayAsync(), fleet.StartWorkerAsync(), fleet.StartWorkerAsync());
        ChildProcess[] workers = [await leaving, await staying];
        await using var clients = await CommandClients.StartAsync(await gateway, Clients);
        await clients.BalancedAsync(workers);

        var ended = await Fleet.EndAsync(workers[0]);
        await clients.BalancedAsync(workers[1]);
        workers[0] = await fleet.StartWorkerAsync();
        await clients.BalancedAsync(workers);

        clients.AllowRepeats();
        await workers[1].KillAsync();
        await clients.BalancedAsync(workers[0]);
        await clients.AllAnsweredAsync();
        await clients.EndAsync();
        await Fleet.HearOfEndsAsync(Clients - ended, workers[0]);
        ended += await Fleet.EndAsync(workers[0]);

        Assert.Equal(Clients, ended); // each consumer was told of its end, once
    }

    /// <summary>The arguments that name a layer of the test's own.</summary>
    private protected abstract Task<string[]> LayerAsync();
}
