namespace Runnel.Sqlite.Writing;

/// <summary>Where works wait for the writer, and the writer for works.</summary>
internal sealed class WriterInbox
{
    private readonly object _gate = new(); // a Monitor, not a Lock: it is waited on
    private readonly List<StoreWork> _posted = [];
    private bool _woken;
    private bool _stopped;

    /// <summary>Hands over a work.</summary>
    /// <returns><see langword="false"/> when the writer takes no more.</returns>
    public bool TryPost(StoreWork work)
    {
        lock (_gate)
        {
            if (_stopped)
                return false;
            _posted.Add(work);
            if (_posted.Count == 1)
                Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Has the writer look around.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            _woken = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Takes no more works; those that are here are still done.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Waits for works, for being woken, or for the limit, and takes the works there are.</summary>
    /// <returns><see langword="false"/> when it was stopped and there are no works left.</returns>
    public bool Wait(Queue<StoreWork> works, TimeSpan limit)
    {
        lock (_gate)
        {
            if (works.Count == 0 && _posted.Count == 0 && !_woken && !_stopped)
                Monitor.Wait(_gate, limit);
            _woken = false;
            foreach (var work in _posted)
                works.Enqueue(work);
            _posted.Clear();
            return works.Count > 0 || !_stopped;
        }
    }
}
