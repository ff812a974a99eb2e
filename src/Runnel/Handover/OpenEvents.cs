namespace Runnel.Handover;

/// <summary>What a connection's consumer has not handled yet, in order. A value, guarded by its session; nothing is allocated while nothing is open.</summary>
internal struct OpenEvents
{
    private List<OpenEvent>? _events;
    private long _lastNumber;

    /// <summary>How many bytes of the client's messages are open.</summary>
    public long MessageBytes { get; private set; }

    /// <summary>How many of the client's messages are open.</summary>
    public int Messages { get; private set; }

    public readonly int Count => _events?.Count ?? 0;

    /// <summary>Whether an owner has any of them.</summary>
    public readonly bool AnySent => _events is [{ IsSent: true }, ..];

    public readonly IReadOnlyList<OpenEvent> All => _events ?? [];

    public long NextNumber() => ++_lastNumber;

    public void Add(OpenEvent next)
    {
        (_events ??= []).Add(next);
        Weigh(next, 1);
    }

    /// <summary>An event was handled.</summary>
    /// <returns>The event; <see langword="null"/> if it is not open.</returns>
    public OpenEvent? Remove(long number)
    {
        if (_events is null || Find(number) is not (>= 0 and var at))
            return null;
        var handled = _events[at];
        _events.RemoveAt(at);
        Weigh(handled, -1);
        if (_events.Count == 0)
            _events = null;
        return handled;
    }

    /// <summary>The owner that had them is gone.</summary>
    /// <param name="mayHaveBegun">Whether it may have begun to handle them.</param>
    public readonly void TakeBack(bool mayHaveBegun)
    {
        foreach (var open in All)
        {
            open.IsRedelivered |= open.IsSent && mayHaveBegun;
            open.IsSent = false;
        }
    }

    private readonly int Find(long number)
    {
        var (low, high) = (0, _events!.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = _events[middle].Number;
            if (found == number)
                return middle;
            (low, high) = found < number ? (middle + 1, high) : (low, middle - 1);
        }
        return -1;
    }

    private void Weigh(OpenEvent open, int sign)
    {
        Messages += open.MessageBytes > 0 ? sign : 0;
        MessageBytes += sign * open.MessageBytes;
    }
}
