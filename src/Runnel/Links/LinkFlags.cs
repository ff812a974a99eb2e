namespace Runnel.Links;

/// <summary>What a packet says beside its items.</summary>
[Flags]
internal enum LinkFlags : byte
{
    None = 0,

    /// <summary>Items follow, and the packet has a number of its own.</summary>
    Items = 1,

    /// <summary>"Send me again what comes after what I have."</summary>
    SendAgain = 2,

    /// <summary>"Tell me at once what you have."</summary>
    Answer = 4,

    /// <summary>"The link of these two sessions has ended."</summary>
    Ended = 8,
}
