using System.Collections.Concurrent;
using Runnel.Frames;

namespace Runnel.Consumers;

/// <summary>This node's open connections, streams of shared sockets included.</summary>
internal sealed class ConnectionTable
{
    private readonly ConcurrentDictionary<long, Connection> _connections = new();

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
        if (_connections.TryRemove(connection.Number, out _))
            ConnectionMetrics.ConnectionClosed();
    }
}
