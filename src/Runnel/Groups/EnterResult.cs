namespace Runnel.Groups;

/// <summary>The outcome of a comer's attempt to become a member.</summary>
internal enum EnterResult
{
    /// <summary>It is a member, and gets what follows.</summary>
    Entered,

    /// <summary>It lacks messages that the group has had.</summary>
    Behind,

    /// <summary>It is in another epoch than the group.</summary>
    Apart,

    /// <summary>Messages are missing since it began to catch up.</summary>
    Broken,

    /// <summary>It has left.</summary>
    Gone,
}
