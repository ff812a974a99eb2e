namespace Runnel;

/// <summary>What a node does.</summary>
[Flags]
public enum NodeRoles
{
    /// <summary>It neither holds connections nor handles the messages of channels.</summary>
    None = 0,

    /// <summary>It holds connections: <c>runserver</c>, with or without <c>--noworker</c>.</summary>
    Gateway = 1,

    /// <summary>It handles the messages of channels: <c>runworker</c>, or <c>runserver</c> without <c>--noworker</c>.</summary>
    Worker = 2,
}
