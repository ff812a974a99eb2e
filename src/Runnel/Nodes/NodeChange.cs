namespace Runnel;

/// <summary>A node came or went.</summary>
/// <param name="Kind">Which of both.</param>
/// <param name="Node">The node.</param>
public sealed record NodeChange(NodeChangeKind Kind, NodeStatus Node);
