namespace Runnel.Links;

/// <summary>How much is under way on a link, and when is sent again.</summary>
internal static class LinkLimits
{
    /// <summary>A packet takes no more items when it has so many bytes.</summary>
    public const int PacketBytes = 256 * 1024;

    /// <summary>So many packets may be under way that the other node has not confirmed: the least of what layers let wait for a node is 100 messages.</summary>
    public const int MostUnderWay = 32;

    /// <summary>So many bytes of them.</summary>
    public const long MostBytesUnderWay = 8 * 1024 * 1024;

    /// <summary>So many, when packets were lost. It doubles with each confirmation.</summary>
    public const int FewUnderWay = 2;

    /// <summary>So many packets are confirmed together, when nothing is sent back.</summary>
    public const int PacketsPerConfirmation = 16;

    /// <summary>So many bytes are confirmed together.</summary>
    public const int BytesPerConfirmation = 1024 * 1024;

    /// <summary>A packet is confirmed after this time, when nothing else was.</summary>
    public static readonly long ConfirmAfter = TimeSpan.FromMilliseconds(50).Ticks;

    /// <summary>What is not confirmed is sent again after this time, twice as long each time.</summary>
    public static readonly long SendAgainAfter = TimeSpan.FromSeconds(1).Ticks;

    /// <summary>The longest such time.</summary>
    public static readonly long SendAgainWithin = TimeSpan.FromSeconds(5).Ticks;

    /// <summary>A link with a node that nobody knows ends after this time.</summary>
    public static readonly long UnknownNode = TimeSpan.FromMinutes(1).Ticks;
}
