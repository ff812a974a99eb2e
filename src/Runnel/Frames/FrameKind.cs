namespace Runnel;

/// <summary>What a frame is, by its number in RFC 6455 §5.2.</summary>
public enum FrameKind : byte
{
    /// <summary>UTF-8 text.</summary>
    Text = 0x1,

    /// <summary>Bytes.</summary>
    Binary = 0x2,

    /// <summary>The last frame: a code and a reason.</summary>
    Close = 0x8,

    /// <summary>Asks the peer whether it is there.</summary>
    Ping = 0x9,

    /// <summary>Answers a ping.</summary>
    Pong = 0xA,
}
