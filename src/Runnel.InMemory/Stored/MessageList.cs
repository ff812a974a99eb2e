namespace Runnel.InMemory.Stored;

/// <summary>Stored messages in line, linked through themselves: nothing is allocated, and any of them leaves at once.</summary>
internal sealed class MessageList
{
    private StoredMessage? _last;

    public int Count { get; private set; }

    public StoredMessage? First { get; private set; }

    public void AddLast(StoredMessage message) => InsertAfter(_last, message);

    /// <summary>Puts back what was taken from the front: before all that came after it.</summary>
    public void PutBack(StoredMessage message)
    {
        // Only others that were put back can be before it, so the walk is short.
        StoredMessage? before = null;
        for (var next = First; next is not null && next.Sequence < message.Sequence; next = next.Next)
            before = next;
        InsertAfter(before, message);
    }

    public void Remove(StoredMessage message)
    {
        if (message.Previous is null)
            First = message.Next;
        else
            message.Previous.Next = message.Next;
        if (message.Next is null)
            _last = message.Previous;
        else
            message.Next.Previous = message.Previous;
        message.Previous = message.Next = null;
        Count--;
    }

    private void InsertAfter(StoredMessage? before, StoredMessage message)
    {
        var after = before is null ? First : before.Next;
        (message.Previous, message.Next) = (before, after);
        if (before is null)
            First = message;
        else
            before.Next = message;
        if (after is null)
            _last = message;
        else
            after.Previous = message;
        Count++;
    }
}
