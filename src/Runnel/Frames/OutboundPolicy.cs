namespace Runnel;

/// <summary>What happens to a client that reads more slowly than its groups send.</summary>
public enum OutboundPolicy
{
    /// <summary>The client is cut with <see cref="CloseCode.TryAgainLater"/>, so that it comes back. It never misses a message without knowing.</summary>
    Disconnect,

    /// <summary>The oldest messages that wait are dropped and counted.</summary>
    DropOldest,

    /// <summary>Only the latest message waits. Use it for values that replace each other, such as a price. The messages that are replaced are counted.</summary>
    LatestOnly,
}
