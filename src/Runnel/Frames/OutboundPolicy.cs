namespace Runnel;

/// <summary>What becomes of a client that reads more slowly than its groups are written to.</summary>
public enum OutboundPolicy
{
    /// <summary>It is cut with <see cref="CloseCode.TryAgainLater"/>, to come back and recover: it never misses a message without knowing.</summary>
    Disconnect,

    /// <summary>The oldest waiting messages are dropped, and counted.</summary>
    DropOldest,

    /// <summary>Only the latest message waits: for state that replaces itself, such as a price. Those it replaces are counted.</summary>
    LatestOnly,
}
