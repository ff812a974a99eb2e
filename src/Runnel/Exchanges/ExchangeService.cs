using Microsoft.Extensions.Hosting;

namespace Runnel.Exchanges;

/// <summary>Has this node's links know its requests from the start, and ends them with the host.</summary>
internal sealed class ExchangeService(WorkerExchanges exchanges) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => exchanges.EndAsync(cancellationToken);
}
