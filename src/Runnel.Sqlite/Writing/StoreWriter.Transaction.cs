using System.Diagnostics;
using Runnel.Sqlite.Subscribers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Processes;

namespace Runnel.Sqlite.Writing;

/// <summary>One round of the writer.</summary>
internal sealed partial class StoreWriter
{
    // How often the file is asked for at once before the writer sleeps between: most transactions of others are over in less than a millisecond.
    private const int EagerTries = 150;

    // If others keep the file for longer than this, waiting for a turn makes no sense.
    private static readonly TimeSpan LongTurn = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongPause = TimeSpan.FromMilliseconds(20);

    private const long ManyNumbers = 1L << 30;

    private bool _hasGoneBack;
    private long _knownLosses;
    private bool _othersFreedRoom;
    private SqliteFailure? _refusal;
    private long? _blockedSince;
    private long _lastBlocked;

    /// <summary>Sees what other processes have done since the last look.</summary>
    private void LookAtOthers()
    {
        var version = _database.DataVersion();
        var hasChanged = version != _version;
        if (Deliveries.HasSubscribers && (hasChanged || _transaction.Publications.IsBehind || !Deliveries.HasRoom))
            _transaction.Publications.ReadNew(Deliveries);
        else if (!hasChanged)
            _transaction.Publications.SeeAll();
        if (!hasChanged)
            return;
        _hasGoneBack = Lost() > 0 || _mark.Read().Losses != _knownLosses;
        Neighbours.Look();
        Receivers.Look(_transaction);
        _sweeper.Look();
        _othersFreedRoom = Senders.Exist;
        _version = version; // last: what fails is looked at again
    }

    private void Transact(Action? before, List<StoreWork> works, bool serves = true)
    {
        // Whoever waits for a message or for room is served in a transaction of its own, for which the disk is waited for.
        var isPassing = before is null && works.Count > 0 && works.TrueForAll(static work => work.IsPassing);
        _database.WaitsForDisk = !isPassing;
        Begin();
        var changes = _database.TotalChanges();
        try
        {
            _transaction.Begin(Now);
            LookAtOthers();
            if (_hasGoneBack)
                GoOnBehindLoss();
            if (Neighbours.SelfIsForgotten)
                Rejoin();
            before?.Invoke();
            Execute(works);
            if (serves && !isPassing)
                Serve();
            _transaction.Finish();
            _database.Commit();
        }
        catch
        {
            Undo();
            throw;
        }
        if (_database.TotalChanges() != changes)
        {
            Health.Written();
            Confirmed += isPassing ? 0 : 1;
        }
        Committed();
    }

    private void Execute(List<StoreWork> works)
    {
        _done.Clear();
        _refusal = null;
        foreach (var work in works)
        {
            if (IsDone(work))
                _done.Add(work);
        }
    }

    private bool IsDone(StoreWork work)
    {
        try
        {
            return work.Execute(_transaction);
        }
        catch (SqliteFailure refusal) when (refusal.IsRefusal && !MayMakeRoomAfter(refusal))
        {
            work.Refuse(refusal);
            _refusal = refusal;
            return true;
        }
    }

    private void Serve()
    {
        if (_sweeper.Next <= _transaction.Now)
            _sweeper.Sweep();
        do
            Receivers.Serve(_transaction);
        while (Senders.Exist && Senders.Admit(_transaction));
        _othersFreedRoom = false;
    }

    private void Committed()
    {
        NoteNumbers();
        _transaction.Publications.Committed(Deliveries);
        if (_hasGoneBack)
            TellLoss();
        Receivers.Committed();
        Senders.Committed();
        foreach (var work in _done)
            work.Complete();
        _done.Clear();
        if (_refusal is not null)
            Health.Refused(_refusal);
        _sweeper.Plan(_transaction.Round.SweepBy);
        if (_transaction.Round.Rings)
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
    /// <exception cref="SqliteFailure">Another process has kept the file for too long.</exception>
    private void Begin()
    {
        var began = Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(_lastBlocked) >= _outageTimeout)
            _blockedSince = null; // nobody has asked for the file since: whether it was locked all the time is not known
        for (var tries = 0; !_database.TryBegin(); tries++)
        {
            ObjectDisposedException.ThrowIf(_killed, this);
            if (tries < EagerTries)
                Thread.Yield();
            else
                WaitForOthers(began);
        }
        _blockedSince = null;
    }

    private void WaitForOthers(long began)
    {
        _blockedSince ??= began;
        _lastBlocked = Stopwatch.GetTimestamp();
        var blocked = Stopwatch.GetElapsedTime(_blockedSince.Value);
        if (blocked < LongTurn && blocked < _outageTimeout)
        {
            Neighbours.Ring(Bell.LetMeWrite);
            Pause.For(ShortPause);
            return;
        }
        Health.Blocked(blocked);
        // What comes later waits less: it would fail, too.
        if (blocked >= _outageTimeout && Stopwatch.GetElapsedTime(began) >= _outageTimeout / 10)
            throw new SqliteFailure($"{LockHolder.Describe(_database.Path)} has kept the SQLite database '{_database.Path}' locked for {blocked.TotalSeconds:0} s. Let that process go on, or end it.", SQLitePCL.raw.SQLITE_BUSY);
        Pause.For(LongPause);
    }

    // No more numbers are lost than were taken since the copy was made. If nobody has noted how many, it is assumed that they are many.
    private long Lost()
    {
        var mark = _mark.Read().Last; // first: another process may take numbers in between
        var last = _transaction.Round.LastNumber;
        return (mark ?? (last > 0 ? last + ManyNumbers : 0)) - last;
    }

    // A number that was given out must not be given out again: readers would take new messages for old ones, and workers that hold a message could settle another one.
    private void GoOnBehindLoss()
    {
        var isNoted = _mark.Read().Last is not null;
        if (Lost() is not (> 0 and var lost))
        {
            if (!isNoted)
                _mark.Write(0); // a new file, of which something is noted before another process can see anything in it
            return;
        }
        if (!isNoted)
            Log.OriginUnknown(_logger, _database.Path);
        else
            Log.WentBack(_logger, _database.Path);
        _transaction.Round.Skip(lost);
        _transaction.Topics.BeginEpoch();
        _mark.Write(_transaction.Round.LastNumber); // now, or the next process would do all this once more
        _mark.CountLoss();
    }

    // Once somebody has put the database in order: subscribers read what there is now, or are told.
    private void TellLoss()
    {
        _hasGoneBack = false;
        _knownLosses = _mark.Read().Losses;
        Deliveries.AddDoubt();
    }

    private void NoteNumbers()
    {
        if (_transaction.Round.LastTaken is { } last)
            _mark.Write(last);
    }

    private void Rejoin()
    {
        Neighbours.Rejoin(OnRing);
        foreach (var topic in Deliveries.Topics)
            _transaction.Topics.AddInterest(topic, Neighbours.Self.Id);
        Leases.LoseAll(); // what they held went to others
    }
}
