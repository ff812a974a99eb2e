namespace Runnel.Workers.Running;

/// <summary>A node with channels to work on is a worker.</summary>
internal sealed class WorkerRole(WorkerSelection selection) : INodeRole
{
    public NodeRoles Roles => selection.Selected.Count > 0 ? NodeRoles.Worker : NodeRoles.None;

    public string? Address => null;
}
