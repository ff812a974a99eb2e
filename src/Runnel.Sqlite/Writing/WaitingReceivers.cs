using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>Who waits for messages in this process, by channel. The writer's thread only.</summary>
internal sealed class WaitingReceivers
{
    // More than this in one transaction would keep the others waiting.
    private const int MostAtOnce = 1000;

    private readonly Dictionary<string, Line> _lines = [];
    private readonly HashSet<Line> _attention = [];
    private readonly List<Line> _unfinished = [];
    private readonly List<ReceiveWork> _served = [];
    private int _most = MostAtOnce;

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
        _unfinished.Clear();
        foreach (var line in _lines.Values)
        {
            if ((_attention.Contains(line) || transaction.Channels.IsTouched(line.Channel)) && !Serve(line, transaction))
                _unfinished.Add(line);
        }
        _attention.Clear();
        _attention.UnionWith(_unfinished);
    }

    public void Committed()
    {
        foreach (var waiter in _served)
        {
            waiter.Complete();
            Remove(waiter);
        }
        _served.Clear();
        _most = Math.Min(MostAtOnce, _most * 2);
    }

    public void RolledBack()
    {
        if (_served.Count > 0)
            _most = Math.Max(1, _most / 4); // a disk that is nearly full takes less at once
        foreach (var waiter in _served)
            waiter.Release(); // the writer looks at all lines anew
        _served.Clear();
    }

    /// <summary>Ends the waits of a lease, or all.</summary>
    public void Fail(LeaseState? lease, Func<ReceiveWork, Exception> reason)
    {
        foreach (var waiter in _lines.Values.SelectMany(line => line.Waiters).ToList())
        {
            if (lease is not null && waiter.Lease != lease)
                continue;
            waiter.Fail(reason(waiter));
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

    /// <returns>Whether all who wait have what there is; <see langword="false"/> when the next transaction has to go on.</returns>
    private bool Serve(Line line, StoreTransaction transaction)
    {
        line.NextDue = long.MaxValue;
        if (transaction.Channels.Find(line.Channel) is not { } channel)
            return true;
        if (transaction.Messages.NextDue(channel.Id) <= transaction.Now)
            transaction.Messages.GetInLine(channel, MostAtOnce);

        var wanted = line.Waiters.Sum(static waiter => waiter.IsWaiting ? (long)waiter.Max : 0);
        if (wanted > 0)
            HandOut(transaction.Messages.ReadFirst(channel, (int)Math.Min(wanted, _most)), line, channel, transaction);
        line.NextDue = transaction.Messages.NextDue(channel.Id) ?? long.MaxValue;
        return wanted <= _most;
    }

    private void HandOut(List<Claim> claims, Line line, ChannelRow channel, StoreTransaction transaction)
    {
        var at = 0;
        foreach (var waiter in line.Waiters)
        {
            if (at == claims.Count)
                return;
            if (!waiter.TryServe())
                continue;
            _served.Add(waiter); // first, so that a failure in between releases it
            var share = claims.GetRange(at, Math.Min(waiter.Max, claims.Count - at));
            foreach (var claim in share)
                transaction.Messages.Take(claim, channel, waiter.Lease.Id);
            waiter.Serve(share);
            at += share.Count;
        }
    }

    private sealed class Line(string channel)
    {
        public string Channel { get; } = channel;

        public LinkedList<ReceiveWork> Waiters { get; } = new();

        public long NextDue { get; set; } = long.MaxValue;
    }
}
