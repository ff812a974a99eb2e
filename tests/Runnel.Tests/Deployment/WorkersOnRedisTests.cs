using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Deployment;

/// <summary>The application as it runs at scale: nginx, gateways, workers and Redis. Everything behind the gateways is restarted or killed under the eyes of their clients.</summary>
public sealed class WorkersOnRedisTests
{
    private const int Clients = 500;
    private static readonly TimeSpan Standstill = TimeSpan.FromSeconds(15); // three leases

    [Fact]
    public async Task Restarts_of_workers_deaths_and_a_restart_of_redis_close_no_socket_and_nothing_is_lost_doubled_or_reordered()
    {
        await using var redis = await RedisServer.StartAsync(new RedisServerOptions());
        await using var fleet = new Fleet("--layer", redis.Address);
        var gateways = Task.WhenAll(fleet.StartGatewayAsync(), fleet.StartGatewayAsync());
        var workers = await Task.WhenAll(fleet.StartWorkerAsync(), fleet.StartWorkerAsync(), fleet.StartWorkerAsync());
        await using var nginx = await NginxServer.StartDeployedAsync(await gateways);
        await using var clients = await CommandClients.StartAsync(nginx.Address, Clients);
        var ended = 0;

        // Each worker in turn is restarted: every command is answered once.
        for (var i = 0; i < workers.Length; i++)
        {
            ended += await Fleet.EndAsync(workers[i]);
            workers[i] = await fleet.StartWorkerAsync();
        }
        await clients.AllAnsweredAsync();
        await clients.BalancedAsync(workers);

        // One stands still at work, for three leases, and one is killed: the third one goes on with all connections.
        clients.AllowRepeats();
        clients.Of(workers[0]).First().AsksForLongWork = true;
        var atWork = -1;
        await Wait.Until(() => (atWork = Array.FindIndex(workers, worker => worker.Lines.Any(line => line.StartsWith("begins ", StringComparison.Ordinal)))) >= 0, "a worker begins the long work");
        (workers[0], workers[atWork]) = (workers[atWork], workers[0]); // the connection may have just been moved, for balance
        await workers[0].StopAsync();
        var standstill = clients.ArticlesOfAsync(Standstill);
        await workers[1].KillAsync();
        await clients.BalancedAsync(workers[2]);
        await standstill;

        // The one that stood still has lost its connections, and says its answer to nobody.
        await workers[0].ContinueAsync();
        await workers[0].SaysAsync("has answered ");
        workers[1] = await fleet.StartWorkerAsync();
        await clients.AllAnsweredAsync();

        await redis.KillAsync();
        await redis.RestartAsync();
        await clients.AllAnsweredAsync();
        await clients.BalancedAsync(workers);
        var articles = await clients.EndAsync();
        await Fleet.HearOfEndsAsync(Clients - ended, workers);
        foreach (var worker in workers)
            ended += await Fleet.EndAsync(worker);

        Assert.Equal(Clients, ended); // each consumer was told of its end, once
        Assert.True(articles > 100, $"Only {articles} articles were written.");
    }
}
