namespace Runnel.InMemory.Stored;

/// <summary>Things with a time, earliest first; equal times in the order added. Any of them can be taken out again at once.</summary>
/// <remarks>
/// A binary heap whose nodes know their place. <see cref="PriorityQueue{TElement,TPriority}"/> cannot remove from the middle, and what
/// was received long before its expiry must not be remembered until then.
/// </remarks>
internal sealed class TimeHeap<T>
{
    /// <summary>The time of nothing: later than all others.</summary>
    public const long Never = long.MaxValue;

    private Node[] _nodes = new Node[4];
    private long _added;

    public int Count { get; private set; }

    /// <summary>The earliest time, in ticks; <see cref="Never"/> when the heap is empty.</summary>
    public long NextTime => Count == 0 ? Never : _nodes[0].Time;

    /// <summary>All, in no order.</summary>
    public IEnumerable<T> Items => _nodes.Take(Count).Select(node => node.Item);

    public Node Add(long time, T item)
    {
        if (Count == _nodes.Length)
            Array.Resize(ref _nodes, Count * 2);
        var node = new Node(time, _added++, item);
        MoveUp(node, Count++);
        return node;
    }

    public T TakeFirst()
    {
        var first = _nodes[0];
        Remove(first);
        return first.Item;
    }

    public void Remove(Node node)
    {
        var at = node.Index;
        node.Index = -1;
        var last = _nodes[--Count];
        _nodes[Count] = null!;
        if (last == node)
            return;
        MoveUp(last, at);
        MoveDown(last, last.Index);
    }

    private void MoveUp(Node node, int at)
    {
        for (var parent = (at - 1) / 2; at > 0 && node.IsBefore(_nodes[parent]); parent = (at - 1) / 2)
        {
            Put(_nodes[parent], at);
            at = parent;
        }
        Put(node, at);
    }

    private void MoveDown(Node node, int at)
    {
        for (var child = (at * 2) + 1; child < Count; child = (at * 2) + 1)
        {
            if (child + 1 < Count && _nodes[child + 1].IsBefore(_nodes[child]))
                child++;
            if (!_nodes[child].IsBefore(node))
                break;
            Put(_nodes[child], at);
            at = child;
        }
        Put(node, at);
    }

    private void Put(Node node, int at)
    {
        _nodes[at] = node;
        node.Index = at;
    }

    public sealed class Node(long time, long order, T item)
    {
        public long Time { get; } = time;

        public T Item { get; } = item;

        /// <summary>Its place; -1 when it is out.</summary>
        public int Index { get; set; }

        public bool IsBefore(Node other) => Time < other.Time || (Time == other.Time && order < other.Order);

        private long Order => order;
    }
}
