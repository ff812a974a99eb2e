namespace Runnel.Groups;

/// <summary>The outcome of joining a group.</summary>
internal enum JoinResult
{
    /// <summary>The connection is a member from now on.</summary>
    Joined,

    /// <summary>The connection is a member since before.</summary>
    WasMember,

    /// <summary>The connection is over, so it joins no group.</summary>
    MemberEnded,

    /// <summary>The group ended at this moment. Look it up again.</summary>
    GroupRetired,
}
