namespace Runnel.Redis.Topics;

/// <summary>How a message on a pub/sub channel begins; Scripts/publish.lua writes the second kind.</summary>
internal static class PublishedMessage
{
    /// <summary>The payload follows.</summary>
    public const byte Plain = (byte)'m';

    /// <summary>8 bytes epoch, 8 bytes offset and the payload follow.</summary>
    public const byte Kept = (byte)'h';

    public const int HeadLength = 1 + 8 + 8;
}
