using System.Collections.Concurrent;
using Runnel.Frames;

namespace Runnel.Consumers;

/// <summary>This node's open connections, streams of shared sockets included.</summary>
internal sealed class ConnectionTable
{
    private readonly ConcurrentDictionary<long, Connection> _connections = new();
    private TaskCompletionSource? _empty;

    public int Count => _connections.Count;

    /// <summary>The connections, as they are at some moment during the enumeration.</summary>
    public IEnumerable<Connection> All => _connections.Select(pair => pair.Value);

    public void Add(Connection connection)
    {
        _connections[connection.Number] = connection;
        ConnectionMetrics.ConnectionOpened();
    }

    public void Remove(Connection connection)
    {
        if (!_connections.TryRemove(connection.Number, out _))
            return;
        ConnectionMetrics.ConnectionClosed();
        if (_connections.IsEmpty)
            Volatile.Read(ref _empty)?.TrySetResult();
    }

    /// <summary>Completes when no connection is open.</summary>
    public Task EmptiedAsync()
    {
        var empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _empty, empty);
        if (_connections.IsEmpty)
            empty.TrySetResult();
        return empty.Task;
    }
}
