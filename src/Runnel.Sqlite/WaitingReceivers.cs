namespace Runnel.Sqlite;

/// <summary>Who waits for messages in this process, by channel. The writer's thread only.</summary>
internal sealed class WaitingReceivers
{
    // More than this in one transaction would keep the others waiting.
    private const int MostAtOnce = 1000;

    private readonly Dictionary<string, Line> _lines = [];
    private readonly HashSet<Line> _attention = [];
    private readonly List<ReceiveWork> _served = [];

    /// <summary>When the next scheduled message that somebody waits for falls due; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDue
    {
        get
        {
            var next = long.MaxValue;
            foreach (var line in _lines.Values)
                next = Math.Min(next, line.NextDue);
            return next;
        }
    }

    public bool NeedAttention => _attention.Count > 0;

    public void Add(ReceiveWork waiter)
    {
        if (!_lines.TryGetValue(waiter.Channel, out var line))
            _lines[waiter.Channel] = line = new Line(waiter.Channel);
        if (waiter.IsInLine)
            return; // from a transaction that was rolled back
        waiter.IsInLine = true;
        line.Waiters.AddLast(waiter);
    }

    /// <summary>Notes which lines have something, after others have changed the file.</summary>
    public void Look(StoreTransaction transaction)
    {
        foreach (var line in _lines.Values)
            Look(line, transaction);
    }

    /// <summary>Notes which lines have something because time has passed.</summary>
    public void LookAtDue(long now)
    {
        foreach (var line in _lines.Values)
        {
            if (line.NextDue <= now)
                _attention.Add(line);
        }
    }

    /// <summary>Claims messages for who waits at the channels that were touched or need attention.</summary>
    public void Serve(StoreTransaction transaction)
    {
        foreach (var line in _lines.Values)
        {
            if (_attention.Contains(line) || transaction.Channels.IsTouched(line.Channel))
                Serve(line, transaction);
        }
        _attention.Clear();
    }

    public void Committed()
    {
        foreach (var waiter in _served)
        {
            waiter.Complete();
            Remove(waiter);
        }
        _served.Clear();
    }

    public void RolledBack()
    {
        foreach (var waiter in _served)
        {
            _attention.Add(_lines[waiter.Channel]);
            waiter.Release();
        }
        _served.Clear();
    }

    /// <summary>Ends the waits of a lease, or all.</summary>
    public void Fail(SqliteWorkerLease? lease, Func<Exception> reason)
    {
        foreach (var waiter in _lines.Values.SelectMany(line => line.Waiters).ToList())
        {
            if (lease is not null && waiter.Lease != lease)
                continue;
            waiter.Fail(reason());
            Remove(waiter);
        }
    }

    /// <summary>Somebody waits no longer.</summary>
    public void Remove(ReceiveWork waiter)
    {
        if (!waiter.IsInLine || !_lines.TryGetValue(waiter.Channel, out var line))
            return;
        waiter.IsInLine = false;
        line.Waiters.Remove(waiter);
        if (line.Waiters.Count > 0)
            return;
        _lines.Remove(waiter.Channel);
        _attention.Remove(line);
    }

    private void Look(Line line, StoreTransaction transaction)
    {
        line.NextDue = long.MaxValue;
        if (transaction.Channels.Find(line.Channel) is not { } channel)
            return;
        line.NextDue = transaction.Messages.NextDue(channel.Id) ?? long.MaxValue;
        if (line.NextDue <= transaction.Now || transaction.Messages.HasReady(channel.Id))
            _attention.Add(line);
    }

    private void Serve(Line line, StoreTransaction transaction)
    {
        line.NextDue = long.MaxValue;
        if (transaction.Channels.Find(line.Channel) is not { } channel)
            return;
        if (transaction.Messages.NextDue(channel.Id) <= transaction.Now)
            transaction.Messages.GetInLine(channel, MostAtOnce);

        for (var node = line.Waiters.First; node is not null;)
        {
            var (waiter, next) = (node.Value, node.Next);
            if (waiter.IsOver)
                line.Waiters.Remove(node);
            else if (!waiter.IsServed && waiter.Lease.IsHeld && waiter.TryServe() && !TryTake(waiter, channel, transaction))
                break;
            node = next;
        }
        line.NextDue = transaction.Messages.NextDue(channel.Id) ?? long.MaxValue;
    }

    private bool TryTake(ReceiveWork waiter, ChannelRow channel, StoreTransaction transaction)
    {
        _served.Add(waiter); // first, so that a failure in between releases it
        var claims = transaction.Messages.Take(channel, waiter.Lease.Id, Math.Min(waiter.Max, MostAtOnce));
        if (claims.Count > 0)
        {
            waiter.Serve(claims);
            return true;
        }
        _served.RemoveAt(_served.Count - 1);
        waiter.Release();
        return false;
    }

    private sealed class Line(string channel)
    {
        public string Channel { get; } = channel;

        public LinkedList<ReceiveWork> Waiters { get; } = new();

        public long NextDue { get; set; } = long.MaxValue;
    }
}
