namespace Runnel;

/// <summary>What became of a node.</summary>
public enum NodeChangeKind
{
    /// <summary>It is there.</summary>
    Joined,

    /// <summary>It left, or is dead to this node.</summary>
    Left,
}
