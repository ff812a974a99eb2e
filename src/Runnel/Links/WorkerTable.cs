namespace Runnel.Links;

/// <summary>The workers that this node can hand connections and requests to: those that have greeted it. Thread-safe.</summary>
internal sealed class WorkerTable(NodeContext context) : ILinkReceiver
{
    /// <summary>A load that no worker takes.</summary>
    public const int TooMuch = int.MaxValue;

    private readonly Lock _lock = new();
    private volatile Dictionary<string, Worker> _workers = []; // replaced, never changed

    /// <summary>Raised when there is another worker, or one takes other channels than before: what waits for a worker may find one. A handler must not block.</summary>
    public event Action? Changed;

    /// <summary>Raised when a worker stops and gives back what it has; it takes nothing new. A handler must not block.</summary>
    public event Action<string>? Leaving;

    /// <summary>Raised when a worker has left or died, or its link has ended: it has nothing of this node any more. A handler must not block.</summary>
    public event Action<string>? Left;

    /// <summary>The workers that take a channel.</summary>
    public IReadOnlyCollection<string> Of(string channel) => [.. _workers.Where(worker => worker.Value.Takes(channel)).Select(static worker => worker.Key)];

    /// <summary>Whether a worker is there.</summary>
    public bool Knows(string worker) => _workers.ContainsKey(worker);

    /// <summary>The worker that takes a channel and has the least to do.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="load">How much of this node a worker has; <see cref="TooMuch"/>: it gets none.</param>
    /// <param name="areConnections">Whether that are connections, of which a worker takes only so many.</param>
    /// <returns><see langword="null"/> if there is none, or all have as many connections as they take.</returns>
    public string? Pick(string channel, Func<string, int> load, bool areConnections = true)
    {
        (string? Worker, int Load) best = (null, int.MaxValue);
        var equals = 0;
        foreach (var (id, worker) in _workers)
        {
            if (!worker.Takes(channel))
                continue;
            var has = load(id);
            if (has >= (areConnections ? worker.MostConnections : TooMuch) || has > best.Load)
                continue;
            // Among equals one by chance, or all gateways would begin with the same worker.
            equals = has == best.Load ? equals + 1 : 1;
            if (Random.Shared.Next(equals) == 0)
                best = (id, has);
        }
        return best.Worker;
    }

    public void OnMessage(string nodeId, ReadOnlyMemory<byte> body)
    {
        var greeting = WorkerGreeting.Read(body);
        var isLeaving = Put(nodeId, new Worker([.. greeting.Channels], greeting.MostConnections, greeting.IsLeaving));
        if (isLeaving)
            Leaving?.Invoke(nodeId);
        else
            Changed?.Invoke();
    }

    public void OnEnded(string nodeId)
    {
        lock (_lock)
        {
            if (!_workers.ContainsKey(nodeId))
                return;
            _workers = _workers.Where(worker => worker.Key != nodeId).ToDictionary();
        }
        Nodes.Log.WorkerLeft(context.Logger, nodeId);
        Left?.Invoke(nodeId);
    }

    private bool Put(string nodeId, Worker worker)
    {
        lock (_lock)
            _workers = new Dictionary<string, Worker>(_workers) { [nodeId] = worker };
        if (worker.IsLeaving)
            Nodes.Log.WorkerLeaves(context.Logger, nodeId);
        else
            Nodes.Log.WorkerGreeted(context.Logger, nodeId, worker.Channels.Count);
        return worker.IsLeaving;
    }

    private sealed record Worker(HashSet<string> Channels, int MostConnections, bool IsLeaving)
    {
        public bool Takes(string channel) => !IsLeaving && Channels.Contains(channel);
    }
}
