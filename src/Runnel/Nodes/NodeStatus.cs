namespace Runnel;

/// <summary>A node of the application, as it describes itself to the others.</summary>
/// <param name="Id">The node's name, unique over all nodes and all starts (<see cref="RunnelNode.Id"/>).</param>
/// <param name="Incarnation">Counts how often the node came back to life: 1 at the start, and one more whenever another node had taken it for dead.</param>
/// <param name="Roles">What it does.</param>
/// <param name="Address">Where it is, for people: <see cref="RunnelOptions.NodeAddress"/>.</param>
/// <param name="Version">The version of the application that it runs.</param>
/// <param name="Since">When it started, by its own clock.</param>
public sealed record NodeStatus(string Id, int Incarnation, NodeRoles Roles, string Address, string Version, DateTimeOffset Since);
