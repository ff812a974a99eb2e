namespace Runnel.InMemory.Stored;

/// <summary>Things with a time, earliest first. Any of them can be taken out again at once.</summary>
/// <remarks>
/// A binary heap whose nodes know their place. <see cref="PriorityQueue{TElement,TPriority}"/> cannot remove from the middle, and what
/// was received long before its expiry must not be remembered until then.
/// </remarks>
internal sealed class TimeHeap<T>
{
    private Node[] _nodes = [];

    public int Count { get; private set; }

    /// <summary>The earliest time; <see cref="Ticks.Never"/> when the heap is empty.</summary>
    public long NextTime => Count == 0 ? Ticks.Never : _nodes[0].Time;

    /// <summary>The earliest. There has to be one.</summary>
    public Node First => _nodes[0];

    /// <summary>All, in no order.</summary>
    public IEnumerable<T> Items => _nodes.Take(Count).Select(node => node.Item);

    /// <param name="time">The time, in ticks.</param>
    /// <param name="item">What has the time.</param>
    /// <param name="order">Which of those with an equal time comes first: the one with the smaller number.</param>
    public Node Add(long time, T item, long order = 0)
    {
        if (Count == _nodes.Length)
            Array.Resize(ref _nodes, Math.Max(4, Count * 2));
        var node = new Node(this, time, order, item);
        MoveUp(node, Count++);
        return node;
    }

    public T TakeFirst()
    {
        var first = _nodes[0];
        Remove(first);
        return first.Item;
    }

    public void Clear()
    {
        foreach (var node in _nodes.AsSpan(0, Count))
            node.Index = -1;
        Array.Clear(_nodes);
        Count = 0;
    }

    private void Remove(Node node)
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

    public sealed class Node(TimeHeap<T> heap, long time, long order, T item)
    {
        public long Time { get; } = time;

        public long Order { get; } = order;

        public T Item { get; } = item;

        /// <summary>Its place; -1 when it is out.</summary>
        public int Index { get; set; }

        public bool IsBefore(Node other) => Time < other.Time || (Time == other.Time && Order < other.Order);

        /// <summary>Takes it out of its heap, unless it is out already.</summary>
        public void Remove()
        {
            if (Index >= 0)
                heap.Remove(this);
        }
    }
}
