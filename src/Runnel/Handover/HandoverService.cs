using Microsoft.Extensions.Hosting;
using Runnel.Links;

namespace Runnel.Handover;

/// <summary>Joins both sides of handed-out connections to the links, and hands this worker's connections over when the application stops.</summary>
internal sealed class HandoverService : IHostedLifecycleService
{
    private readonly NodeContext _node;
    private readonly ConnectionOwners _owners;
    private readonly ConnectionWorker _worker;
    private readonly IHostApplicationLifetime _lifetime;
    private Task _leaving = Task.CompletedTask;

    public HandoverService(NodeContext node, NodeLinks links, ConnectionOwners owners, ConnectionWorker worker, IHostApplicationLifetime lifetime)
    {
        (_node, _owners, _worker, _lifetime) = (node, owners, worker, lifetime);
        links.Register(LinkKind.ToGateway, new OwnerOrders(node, links, owners));
        links.Register(LinkKind.ToWorker, worker);
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _lifetime.ApplicationStopping.Register(() =>
        {
            _owners.Stop();
            _leaving = Task.Run(() => _worker.LeaveAsync(_node.Options.ShutdownTimeout));
        });
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _leaving.WaitAsync(cancellationToken);

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
