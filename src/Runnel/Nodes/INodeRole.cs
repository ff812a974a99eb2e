namespace Runnel;

/// <summary>Says what this node does, so that the other nodes learn it. Packages register their own; all are asked once, when the node has started.</summary>
public interface INodeRole
{
    /// <summary>What the node does as far as this package knows.</summary>
    NodeRoles Roles { get; }

    /// <summary>Where the node can be reached, for people; <see langword="null"/> if this package does not know.</summary>
    string? Address { get; }
}
