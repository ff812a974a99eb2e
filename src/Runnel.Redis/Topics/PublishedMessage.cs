namespace Runnel.Redis.Topics;

/// <summary>How a message on a pub/sub channel begins; Scripts/publish.lua writes the second kind.</summary>
internal static class PublishedMessage
{
    /// <summary>The payload follows.</summary>
    public const byte Plain = (byte)'m';

    /// <summary>8 bytes epoch, 8 bytes offset and the payload follow.</summary>
    public const byte Kept = (byte)'h';

    /// <summary>No message: messages of the topic may be missing (Scripts/history.lua).</summary>
    public const byte Doubt = (byte)'g';

    public const int HeadLength = 1 + 8 + 8;
}
