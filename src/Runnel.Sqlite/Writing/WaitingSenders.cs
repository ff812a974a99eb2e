using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>Who waits for room in this process, by channel, first come first served. The writer's thread only.</summary>
internal sealed class WaitingSenders
{
    private readonly Dictionary<string, LinkedList<EnqueueWork>> _lines = [];
    private readonly List<(EnqueueWork Work, int Stored)> _admitted = [];
    private readonly List<(EnqueueWork Work, SqliteFailure Failure)> _refused = [];

    public bool Exist => _lines.Count > 0;

    public bool Any(string channel) => _lines.ContainsKey(channel);

    public void Add(EnqueueWork work)
    {
        if (!_lines.TryGetValue(work.Channel, out var line))
            _lines[work.Channel] = line = new LinkedList<EnqueueWork>();
        if (!line.Contains(work))
            line.AddLast(work);
    }

    /// <summary>Stores what there is room for now.</summary>
    /// <returns>Whether there was any.</returns>
    public bool Admit(StoreTransaction transaction)
    {
        var admitted = _admitted.Count;
        foreach (var line in _lines.Values)
        {
            foreach (var work in line)
            {
                if (_admitted.Exists(other => other.Work == work) || _refused.Exists(other => other.Work == work))
                    continue;
                if (!TryAdmit(work, transaction))
                    break;
            }
        }
        return _admitted.Count > admitted;
    }

    public void Committed()
    {
        foreach (var (work, stored) in _admitted)
        {
            Remove(work);
            work.CompleteRoom(stored);
        }
        foreach (var (work, failure) in _refused)
        {
            Remove(work);
            work.FailRoom(failure);
        }
        RolledBack();
    }

    public void RolledBack()
    {
        _admitted.Clear();
        _refused.Clear();
    }

    /// <summary>Somebody waits no longer.</summary>
    /// <returns>Whether it waited: otherwise there was room, and the messages are stored.</returns>
    public bool Remove(EnqueueWork work)
    {
        if (!_lines.TryGetValue(work.Channel, out var line) || !line.Remove(work))
            return false;
        if (line.Count == 0)
            _lines.Remove(work.Channel);
        return true;
    }

    public void Fail(Func<Exception> reason)
    {
        foreach (var work in _lines.Values.SelectMany(line => line).ToList())
        {
            work.FailRoom(reason());
            Remove(work);
        }
    }

    /// <returns>Whether those behind it may have their turn.</returns>
    private bool TryAdmit(EnqueueWork work, StoreTransaction transaction)
    {
        try
        {
            if (work.TryStore(transaction, isFirst: true) is not { } stored)
            {
                transaction.Channels.GetOrAdd(work.Channel).Want();
                return false;
            }
            _admitted.Add((work, stored));
        }
        catch (SqliteFailure failure) when (failure.IsRefusal)
        {
            _refused.Add((work, failure)); // the channel has room, the disk has not
        }
        return true;
    }
}
