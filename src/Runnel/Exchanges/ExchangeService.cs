using Microsoft.Extensions.Hosting;

namespace Runnel.Exchanges;

/// <summary>Has this node's links know its requests from the start, and ends them when the application stops.</summary>
internal sealed class ExchangeService(WorkerExchanges exchanges, IHostApplicationLifetime lifetime) : IHostedLifecycleService
{
    private Task _ending = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() => _ending = Task.Run(exchanges.EndAsync));
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _ending.WaitAsync(cancellationToken);

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
