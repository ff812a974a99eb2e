namespace Runnel.Sqlite;

/// <summary>One round of the writer.</summary>
internal sealed partial class StoreWriter
{
    // How often the file is asked for at once before the writer sleeps between: most transactions of others are over in less than a millisecond.
    private const int EagerTries = 150;

    private bool _othersFreedRoom;

    /// <summary>Sees what other processes have done since the last look.</summary>
    private void LookAtOthers()
    {
        var version = _database.DataVersion();
        var hasChanged = version != _version;
        if (Deliveries.HasSubscribers && (hasChanged || _transaction.Publications.IsBehind || !Deliveries.HasRoom))
            _transaction.Publications.ReadNew(Deliveries);
        if (!hasChanged)
            return;
        Neighbours.Look();
        Receivers.Look(_transaction);
        _sweeper.Look();
        _othersFreedRoom = Senders.Exist;
        _version = version; // last: what fails is looked at again
    }

    /// <summary>Does the works that have gathered, or, when one of them spoils the transaction, each by itself.</summary>
    private void Transact()
    {
        _batch.Clear();
        for (var weight = 0; weight < MostWeight && _works.TryDequeue(out var work); weight += work.Weight)
            _batch.Add(work);
        try
        {
            Transact(before: null, _batch);
        }
        catch (Exception) when (_batch.Count > 1)
        {
            foreach (var work in _batch)
                TransactAlone(work);
        }
        catch (Exception exception) when (_batch.Count == 1)
        {
            Fail(_batch[0], exception);
        }
    }

    private void TransactAlone(StoreWork work)
    {
        try
        {
            Transact(before: null, [work]);
        }
        catch (Exception exception)
        {
            Fail(work, exception);
        }
    }

    private void Fail(StoreWork work, Exception exception)
    {
        if (!_killed)
            SetConnected(false, exception);
        work.Fail(_killed ? Ended(work) : exception);
    }

    private void Transact(Action? before, List<StoreWork> works)
    {
        Begin();
        try
        {
            _transaction.Begin(Now);
            LookAtOthers();
            if (Neighbours.SelfIsForgotten)
                Rejoin();
            before?.Invoke();
            Execute(works);
            _transaction.Finish();
            _database.Commit();
        }
        catch
        {
            Undo();
            throw;
        }
        Committed();
    }

    private void Execute(List<StoreWork> works)
    {
        _done.Clear();
        foreach (var work in works)
        {
            if (work.Execute(_transaction))
                _done.Add(work);
        }
        if (_sweeper.Next <= _transaction.Now)
            _sweeper.Sweep();
        do
            Receivers.Serve(_transaction);
        while (Senders.Exist && Senders.Admit(_transaction));
        _othersFreedRoom = false;
    }

    private void Committed()
    {
        _transaction.Publications.Committed(Deliveries);
        Receivers.Committed();
        Senders.Committed();
        foreach (var work in _done)
            work.Complete();
        _done.Clear();
        _sweeper.Plan(_transaction.SweepBy);
        SetConnected(true);
        if (_transaction.Rings)
            Neighbours.Ring(Bell.Look);
        if (!_othersWait)
            return;
        // SQLite's lock goes to whoever asks first, and this thread would be it again.
        _othersWait = false;
        Pause.For(ShortPause);
    }

    private void Undo()
    {
        _done.Clear();
        _database.Rollback();
        _transaction.Publications.RolledBack();
        Receivers.RolledBack();
        Senders.RolledBack();
        _version = -1;
    }

    /// <summary>Waits for this process's turn to write.</summary>
    private void Begin()
    {
        for (var tries = 0; !_database.TryBegin(); tries++)
        {
            ObjectDisposedException.ThrowIf(_killed, this);
            if (tries < EagerTries)
            {
                Thread.Yield();
                continue;
            }
            Neighbours.Ring(Bell.LetMeWrite);
            Pause.For(ShortPause);
        }
    }

    private void Rejoin()
    {
        Neighbours.Rejoin(OnRing);
        foreach (var topic in Deliveries.Topics)
            _transaction.Topics.AddInterest(topic, Neighbours.Self.Id);
        Forgotten?.Invoke();
    }
}
