namespace Runnel;

/// <summary>The nodes of the application: all processes that share the layer for groups. You get it from dependency injection.</summary>
/// <remarks>
/// <para>
/// Each node tells the others that it lives, and when it leaves. A node that is not heard for <see cref="RunnelOptions.NodeLease"/> is dead to the others: it crashed, stands still, or is cut off.
/// When it is heard again, it is there again, under the same name and with the next <see cref="NodeStatus.Incarnation"/>. A node that is cut off itself takes nobody for dead, nor does it
/// for one lease afterwards. On SQLite the operating system's locks take the place of the lease, so an idle application writes nothing.
/// </para>
/// <para>The nodes do not vote: for a moment, two nodes may see different lists. Thread-safe.</para>
/// <example>
/// <code>
/// await foreach (var change in nodes.WatchAsync(stoppingToken))
///     logger.LogInformation("{Node} {Change}", change.Node.Address, change.Kind);
/// </code>
/// </example>
/// </remarks>
public interface INodes
{
    /// <summary>The nodes that are there now, this one included once it has started, the oldest first.</summary>
    /// <remarks>When a node starts it asks the others, so its list is complete after a round trip.</remarks>
    IReadOnlyList<NodeStatus> All { get; }

    /// <summary>Tells each change, beginning with the nodes that are there now.</summary>
    /// <remarks>A node that came and went between two steps of a slow enumeration is left out. A new incarnation is told as two changes: the node left, and it joined.</remarks>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    IAsyncEnumerable<NodeChange> WatchAsync(CancellationToken cancellationToken = default);

    /// <summary>Asks all nodes, waits for their answers, and returns the nodes that are known then. For a process that is no node itself; a node just reads <see cref="All"/>.</summary>
    /// <param name="wait">How long to wait. The nodes answer at once.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Layers.BackplaneUnavailableException">The broker is away.</exception>
    Task<IReadOnlyList<NodeStatus>> AskAsync(TimeSpan wait, CancellationToken cancellationToken = default);
}
