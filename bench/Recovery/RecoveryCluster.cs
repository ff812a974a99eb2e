namespace Runnel.Bench;

/// <summary>Two nodes on one store, and a process that holds the clients.</summary>
internal sealed class RecoveryCluster : IAsyncDisposable
{
    private readonly string _address;
    private readonly int _maxBytes;
    private readonly string _folder = Directory.CreateTempSubdirectory("runnel-recovery-").FullName;
    private readonly int[] _ports = [LoopbackPort.Free(), LoopbackPort.Free()];
    private readonly ChildProcess[] _nodes;
    private readonly ChildProcess _clients;

    private RecoveryCluster(string address, int maxBytes)
    {
        (_address, _maxBytes) = (address, maxBytes);
        _nodes = [Start(0), Start(1)];
        _clients = ChildProcess.StartSmall("recovery-clients");
    }

    /// <param name="address">The layer.</param>
    /// <param name="maxBytes">How much may wait for a client; 0 for the default.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<RecoveryCluster> StartAsync(string address, int maxBytes, CancellationToken cancellationToken)
    {
        var cluster = new RecoveryCluster(address, maxBytes);
        try
        {
            foreach (var node in cluster._nodes)
                await node.AskAsync<long>(cancellationToken, "reads"); // it answers once it listens
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public int IdOf(int node) => _nodes[node].Id;

    /// <summary>Asks a node.</summary>
    public Task<T> AskAsync<T>(int node, CancellationToken cancellationToken, params object[] words) => _nodes[node].AskAsync<T>(cancellationToken, words);

    /// <summary>Asks the clients.</summary>
    public Task<T> AskClientsAsync<T>(CancellationToken cancellationToken, params object[] words) => _clients.AskAsync<T>(cancellationToken, words);

    /// <summary>Connects clients of a group, in turn to both nodes.</summary>
    public Task OpenAsync(string group, int number, int count, int withSmallBuffer, CancellationToken cancellationToken) =>
        _clients.AskAsync<bool>(cancellationToken, "open", group, number, count, withSmallBuffer, _ports.Length, _ports[0], _ports[1]);

    /// <summary>Connects clients of a group, all to the second node.</summary>
    public Task OpenAtSecondAsync(string group, int number, int count, CancellationToken cancellationToken) =>
        _clients.AskAsync<bool>(cancellationToken, "open", group, number, count, 0, 1, _ports[1], _ports[0]);

    /// <summary>What came of everything that was sent, once it has come.</summary>
    public Task<RecoveryAudit> AuditAsync(TimeSpan patience, CancellationToken cancellationToken) =>
        _clients.AskAsync<RecoveryAudit>(cancellationToken, "audit", _folder, patience.TotalSeconds);

    /// <summary>Kills a node (SIGKILL).</summary>
    public Task KillAsync(int node) => _nodes[node].KillAsync();

    /// <summary>Starts a node that was killed, at its old address.</summary>
    public async Task RestartAsync(int node, CancellationToken cancellationToken)
    {
        await _nodes[node].DisposeAsync();
        _nodes[node] = Start(node);
        await _nodes[node].AskAsync<long>(cancellationToken, "reads");
    }

    public async ValueTask DisposeAsync()
    {
        // The clients first: a server that stops waits for its connections.
        await _clients.DisposeAsync();
        foreach (var node in _nodes)
            await node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private ChildProcess Start(int node) => ChildProcess.Start("recovery-node", _address, $"{_ports[node]}", _folder, $"{_maxBytes}");
}
