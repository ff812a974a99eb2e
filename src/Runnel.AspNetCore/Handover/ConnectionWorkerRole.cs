namespace Runnel.AspNetCore.Handover;

/// <summary>A node that takes connections from gateways is a worker.</summary>
internal sealed class ConnectionWorkerRole(MappedConsumers consumers) : INodeRole
{
    public NodeRoles Roles => consumers.Taken.Count > 0 ? NodeRoles.Worker : NodeRoles.None;

    public string? Address => null;
}
