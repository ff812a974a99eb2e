namespace Runnel.Nodes;

/// <summary>A node lives.</summary>
/// <param name="Node">The node.</param>
/// <param name="Lease">For how long that holds.</param>
/// <param name="Process">What the layer knows the node's process by, if the layer sees itself whether it lives (<see cref="Layers.IProofOfLife"/>).</param>
internal sealed record NodeBeat(NodeStatus Node, TimeSpan Lease, string? Process);
