namespace Runnel.Groups;

/// <summary>What came of a connection's wish to join a group.</summary>
internal enum JoinResult
{
    /// <summary>It is a member now, or was one.</summary>
    Joined,

    /// <summary>The connection is over and joins nothing.</summary>
    MemberEnded,

    /// <summary>The group ended at this moment: get it anew.</summary>
    GroupRetired,
}
