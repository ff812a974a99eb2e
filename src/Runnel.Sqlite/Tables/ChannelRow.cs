namespace Runnel.Sqlite.Tables;

/// <summary>A channel's counters, read when a transaction first touches it and written once at its end.</summary>
internal sealed class ChannelRow(long id, string name, long held, long total, bool wanted)
{
    private readonly long _heldBefore = held;
    private int _made;
    private int _taken;

    public long Id { get; } = id;

    public string Name { get; } = name;

    /// <summary>Messages that count against the capacity: all but those in workers' hands and the dead.</summary>
    public long Held { get; private set; } = held;

    public long Total { get; private set; } = total;

    /// <summary>Whether some process waits for room.</summary>
    public bool Wanted { get; set; } = wanted;

    public bool IsChanged { get; private set; }

    /// <summary>Whether another process may find something here that it waits for.</summary>
    public bool ConcernsOthers => _made > _taken || (Wanted && Held < _heldBefore);

    public void Added() => Count(held: 1, total: 1);

    public void Claimed()
    {
        _taken++;
        Count(held: -1, total: 0);
    }

    public void GivenBack() => Count(held: 1, total: 0);

    public void Settled() => Count(held: 0, total: -1);

    public void Removed() => Count(held: -1, total: -1);

    /// <summary>A message is ready, or will be at a time that others do not know of.</summary>
    public void MadeAvailable() => _made++;

    public void Want()
    {
        Wanted = true;
        IsChanged = true;
    }

    private void Count(int held, int total)
    {
        Held += held;
        Total += total;
        IsChanged = true;
    }
}
