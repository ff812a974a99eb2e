using Microsoft.Extensions.Hosting;

namespace Runnel.Links;

/// <summary>Tells every gateway what this node's consumers take, again when a link has ended, and that it leaves when the application stops.</summary>
internal sealed class WorkerGreeter : IHostedLifecycleService, IDisposable
{
    // Two nodes that cannot work together would end link after link.
    private static readonly TimeSpan RestAfterEnd = TimeSpan.FromSeconds(1);

    private readonly NodeContext _context;
    private readonly NodeLinks _links;
    private readonly INodes _nodes;
    private readonly IEnumerable<IWorkerChannels> _channels;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly HashSet<string> _gateways = [];
    private WorkerGreeting _greeting = WorkerGreeting.Nothing;
    private readonly CancellationToken _stopped;
    private Task _watching = Task.CompletedTask;
    private bool _isDisposed;

    public WorkerGreeter(NodeContext context, NodeLinks links, INodes nodes, IEnumerable<IWorkerChannels> channels, IHostApplicationLifetime lifetime) =>
        (_context, _links, _nodes, _channels, _lifetime, _stopped) = (context, links, nodes, channels, lifetime, _stopping.Token);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Now everything is mapped and runs.
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        var all = _channels.ToList();
        _greeting = new([.. all.SelectMany(static one => one.Channels).Distinct()], all.Select(static one => one.MostConnections).DefaultIfEmpty().Max(), IsLeaving: false);
        if (_greeting.Channels.Count == 0)
            return Task.CompletedTask;
        Nodes.Log.WorkerTakes(_context.Logger, string.Join(", ", _greeting.Channels.Select(static channel => $"'{channel}'")));
        _links.Ended += OnEnded;
        _lifetime.ApplicationStopping.Register(Leave);
        _watching = WatchAsync();
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        _links.Ended -= OnEnded;
        End();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // An application whose host is stopped by a call also stops by itself, and may dispose of its services before the call has come here.
    public void Dispose()
    {
        lock (_lock)
        {
            End();
            _isDisposed = true;
            _stopping.Dispose();
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (!_isDisposed)
                _stopping.Cancel();
        }
    }

    private async Task WatchAsync()
    {
        await foreach (var change in _nodes.WatchAsync(_stopped).ConfigureAwait(false))
        {
            if (change.Node.Id == _context.Id)
                continue;
            lock (_lock)
            {
                if (change.Kind == NodeChangeKind.Left)
                    _gateways.Remove(change.Node.Id);
                else if (change.Node.Roles.HasFlag(NodeRoles.Gateway) && _gateways.Add(change.Node.Id))
                    Greet(change.Node.Id);
            }
        }
    }

    private void OnEnded(string nodeId) => _ = GreetAgainAsync(nodeId);

    private async Task GreetAgainAsync(string nodeId)
    {
        await Task.Delay(RestAfterEnd, _context.TimeProvider, _stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            if (!_stopped.IsCancellationRequested && _gateways.Contains(nodeId))
                GreetIfThere(nodeId);
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            _greeting = _greeting with { IsLeaving = true };
            foreach (var gateway in _gateways)
                GreetIfThere(gateway);
        }
    }

    // The links may have heard before this class that a node has left. Then a greeting would begin a link with nobody.
    private void GreetIfThere(string nodeId)
    {
        if (_nodes.All.Any(node => node.Id == nodeId))
            Greet(nodeId);
    }

    private void Greet(string nodeId) => _links.Send(nodeId, _greeting.ToItem());
}
