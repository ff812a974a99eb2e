namespace Runnel.Nodes;

/// <summary>The nodes at one moment, and where those who watch wait for the next one.</summary>
internal sealed class NodeList(IReadOnlyList<NodeStatus> nodes)
{
    private readonly TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<NodeStatus> Nodes { get; } = nodes;

    /// <summary>Completes when there is another list.</summary>
    public Task Replaced => _next.Task;

    public static NodeList Of(IEnumerable<NodeStatus> nodes) => new([.. nodes.OrderBy(static node => node.Since).ThenBy(static node => node.Id, StringComparer.Ordinal)]);

    /// <summary>There is another list.</summary>
    public void Replace() => _next.SetResult();

    /// <summary>What has changed since another list.</summary>
    public IEnumerable<NodeChange> ChangesSince(IReadOnlyList<NodeStatus> before) =>
        before.Except(Nodes).Select(static node => new NodeChange(NodeChangeKind.Left, node))
            .Concat(Nodes.Except(before).Select(static node => new NodeChange(NodeChangeKind.Joined, node)));
}
