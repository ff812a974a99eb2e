using System.Buffers;

namespace Runnel.Frames;

/// <summary>Frames in order: one in a field, more in a rented ring. A value; its owner copies it to take the frames away.</summary>
internal struct FrameRing
{
    private const int FirstRent = 16;
    private Frame? _only;
    private Frame?[]? _ring;
    private int _head;

    public int Count { get; private set; }

    /// <summary>The sum of all frames' <see cref="Frame.Cost"/>.</summary>
    public long Cost { get; private set; }

    /// <summary>The part of <see cref="Cost"/> that is not a group's.</summary>
    public long OwnCost { get; private set; }

    public void Add(Frame frame)
    {
        Cost += frame.Cost;
        if (!frame.IsOfGroup)
            OwnCost += frame.Cost;
        if (Count++ == 0 && _ring is null)
        {
            _only = frame;
            return;
        }
        if (_ring is null)
        {
            _ring = ArrayPool<Frame?>.Shared.Rent(FirstRent);
            _ring[0] = _only;
            (_only, _head) = (null, 0);
        }
        else if (Count > _ring.Length)
        {
            Grow();
        }
        _ring[(_head + Count - 1) % _ring.Length] = frame;
    }

    /// <summary>Removes the oldest frame that came through a group; what a consumer sent itself, and control frames, are never removed.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryRemoveOldestOfGroup()
    {
        if (_ring is null)
        {
            if (_only is not { IsOfGroup: true })
                return false;
            Cost -= _only.Cost;
            Count--;
            _only = null;
            return true;
        }
        var at = 0;
        while (at < Count && !this[at].IsOfGroup)
            at++;
        if (at == Count)
            return false;
        Cost -= this[at].Cost;
        for (; at > 0; at--) // nearly always the first is it, and nothing moves
            this[at] = this[at - 1];
        _ring[_head] = null;
        _head = (_head + 1) % _ring.Length;
        Count--;
        return true;
    }

    public void Clear()
    {
        if (_ring is not null)
            ArrayPool<Frame?>.Shared.Return(_ring, clearArray: true);
        this = default;
    }

    /// <summary>Hands all frames to the writer and is empty after; the frames' array goes back to the pool.</summary>
    public ValueTask WriteTo(IFrameWriter writer)
    {
        try
        {
            if (_ring is null)
                return writer.WriteAsync(new ReadOnlySpan<Frame>(in _only!));
            if (_head + Count > _ring.Length)
                Straighten(_ring.Length);
            return writer.WriteAsync(_ring.AsSpan(_head, Count)!);
        }
        finally
        {
            Clear();
        }
    }

    private readonly ref Frame this[int index] => ref _ring![(_head + index) % _ring.Length]!;

    private void Grow() => Straighten(_ring!.Length * 2);

    private void Straighten(int length)
    {
        var straight = ArrayPool<Frame?>.Shared.Rent(length);
        var held = Math.Min(Count, _ring!.Length);
        var first = Math.Min(held, _ring.Length - _head);
        _ring.AsSpan(_head, first).CopyTo(straight);
        _ring.AsSpan(0, held - first).CopyTo(straight.AsSpan(first));
        ArrayPool<Frame?>.Shared.Return(_ring, clearArray: true);
        (_ring, _head) = (straight, 0);
    }
}
