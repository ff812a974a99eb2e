namespace Runnel.Layers;

/// <summary>What is in an envelope.</summary>
public enum EnvelopeKind : byte
{
    /// <summary>A message for code: a channel's consumer, or the members' handlers of a group event.</summary>
    Message = 0,

    /// <summary>A text frame that goes straight to the members' clients; the body is its UTF-8.</summary>
    TextFrame = 1,

    /// <summary>A binary frame that goes straight to the members' clients.</summary>
    BinaryFrame = 2,
}
