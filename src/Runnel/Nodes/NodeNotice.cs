namespace Runnel.Nodes;

/// <summary>Says something of one incarnation of a node.</summary>
internal sealed record NodeNotice(string Id, int Incarnation);
