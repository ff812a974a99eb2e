using System.Buffers;

namespace Runnel.Links;

/// <summary>Something that one node sends to another one.</summary>
internal abstract class LinkItem
{
    /// <summary>Who receives it there.</summary>
    public abstract LinkKind Kind { get; }

    /// <summary>Writes it. Called once, some time after it was sent, on another thread; it must not throw.</summary>
    public abstract void WriteTo(IBufferWriter<byte> output);

    /// <summary>Takes the item that was sent behind it to the same node into itself, if it can. Called before <see cref="WriteTo"/>, under a lock: it must be quick.</summary>
    /// <returns>Whether <paramref name="next"/> is in this one now.</returns>
    public virtual bool TryMerge(LinkItem next) => false;
}
