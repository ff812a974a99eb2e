namespace Runnel.Nodes;

/// <summary>Another node that was heard.</summary>
/// <param name="Beat">What it said last.</param>
/// <param name="At">When, as a timestamp.</param>
/// <param name="WasSeen">Whether the layer has seen the node's process alive (<see cref="Layers.IProofOfLife"/>).</param>
internal sealed record HeardNode(NodeBeat Beat, long At, bool WasSeen)
{
    public NodeStatus Node => Beat.Node;
}
