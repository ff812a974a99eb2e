using System.Buffers;

namespace Runnel.Links;

/// <summary>A packet that was made, until the other node has it. Guarded by the lock of its link.</summary>
/// <param name="content">The encoded envelope, in memory of the pool.</param>
/// <param name="number">Its number; 0 for a packet without items.</param>
/// <param name="items">How many items were sent on the link up to its last one.</param>
internal sealed class LinkPacket(ArraySegment<byte> content, long number, long items)
{
    private ArraySegment<byte> _content = content;
    private bool _isDone;

    public long Number => number;

    public long Items => items;

    public LinkPacket? Next { get; set; }

    /// <summary>Whether it is being published.</summary>
    public bool IsUnderWay { get; private set; }

    public ReadOnlyMemory<byte> Memory => _content;

    public Span<byte> Span => _content;

    /// <summary>It is being published.</summary>
    public void Leave() => IsUnderWay = true;

    /// <summary>It was published, or that failed.</summary>
    /// <param name="isKeptByLayer">Whether the layer may still have hold of the memory: then the pool does not get it back.</param>
    public void Arrive(bool isKeptByLayer)
    {
        IsUnderWay = false;
        if (isKeptByLayer)
            _content = _isDone ? default : Copy(_content);
        if (_isDone)
            GiveBack();
    }

    /// <summary>The other node has it, or nobody wants it any more.</summary>
    public void Done()
    {
        _isDone = true;
        if (!IsUnderWay)
            GiveBack();
    }

    private static ArraySegment<byte> Copy(ArraySegment<byte> content)
    {
        var copy = ArrayPool<byte>.Shared.Rent(content.Count);
        content.AsSpan().CopyTo(copy);
        return new(copy, 0, content.Count);
    }

    private void GiveBack()
    {
        if (_content.Array is { } memory)
            ArrayPool<byte>.Shared.Return(memory);
        _content = default;
    }
}
