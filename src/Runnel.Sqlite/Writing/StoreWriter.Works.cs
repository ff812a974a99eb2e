using System.Diagnostics;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Writing;

/// <summary>The works of a round, and what becomes of those that fail.</summary>
internal sealed partial class StoreWriter
{
    // A transaction stops taking works at this sum, so that other processes get their turn.
    private const int MostWeight = 1000;

    // So many of the works that failed before are tried alone; what holds for them holds for the others.
    private const int MostFailures = 8;

    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    private readonly PatientWorks _patient = new();
    private readonly List<StoreWork> _batch = [];
    private readonly List<StoreWork> _done = [];
    private long? _emptied;
    private bool _emptiedInVain;

    /// <summary>Does the works that have gathered, those first that failed before; or, when one of them spoils the transaction, each by itself.</summary>
    private void Transact()
    {
        _batch.Clear();
        var weight = _patient.MoveTo(_batch, MostWeight);
        var failedBefore = _batch.Count;
        for (; weight < MostWeight && _works.TryDequeue(out var work); weight += work.Weight)
            _batch.Add(work);
        try
        {
            TransactAll();
        }
        catch (Exception exception) when (_batch.Count > 0)
        {
            if (exception is SqliteFailure { IsBusy: true })
                _batch.ForEach(work => Fail(work, exception));
            else
                TransactEach(failedBefore, exception);
        }
    }

    private void TransactAll()
    {
        Action? before = Health.NeedsProof ? Prove : null;
        try
        {
            Transact(before, _batch);
        }
        catch (SqliteFailure refusal) when (refusal.IsRefusal)
        {
            // There was something to make room with. A work that is refused even now does not cost the others their transaction.
            MakeRoomAfter(refusal);
            Transact(before, _batch);
        }
    }

    // Taking a number is a write.
    private void Prove() => _transaction.Round.NextNumber();

    // Only the work: there may be no room for what else a transaction does.
    private void TransactEach(int failedBefore, Exception? reason)
    {
        MakeRoomAfter(reason);
        var failures = 0;
        for (var i = 0; i < _batch.Count; i++)
        {
            if (i < failedBefore && failures == MostFailures)
                _patient.Add(_batch[i]);
            else if (!TryTransact(_batch[i]))
                failures++;
        }
        _version = -1; // the rest is done in a round of its own, at once
        _inbox.Wake();
    }

    private bool TryTransact(StoreWork work)
    {
        try
        {
            Transact(before: null, [work], serves: false);
            return true;
        }
        catch (Exception exception)
        {
            Fail(work, exception);
            return false;
        }
    }

    private void Fail(StoreWork work, Exception exception)
    {
        if (_killed)
        {
            work.Fail(Ended(work));
            return;
        }
        var isFull = exception is SqliteFailure { IsFull: true };
        if (!isFull)
            Health.Failed(exception); // before its caller is told: whoever hears of a failure finds the layer interrupted
        var isTriedAgain = work.TriesAgainAfter(exception);
        if (isTriedAgain)
            _patient.Add(work);
        if (isFull && isTriedAgain)
            Health.Failed(exception);
        else if (isFull)
            Health.Refused(exception);
    }

    /// <summary>Something found no room. What the log takes can be given back, if the database has room for what is in it.</summary>
    private void MakeRoomAfter(Exception? exception)
    {
        if (!MayMakeRoomAfter(exception))
            return;
        _emptiedInVain = !_database.TryEmptyLog();
        _emptied = Stopwatch.GetTimestamp();
    }

    // A large log is worth it as soon as it has grown anew. A small one helps, if at all, what takes little: not new messages, for which much more is kept.
    private bool MayMakeRoomAfter(Exception? exception)
    {
        if (exception is not SqliteFailure { IsFull: true } failure)
            return false;
        var isRested = _emptied is not { } before || Stopwatch.GetElapsedTime(before) >= BetweenTries;
        if (_emptiedInVain && !isRested)
            return false;
        var log = _database.LogLength();
        return log >= Volume.SmallestLog || (log > 0 && isRested && !failure.IsRefusal);
    }

    private void TryOnceMore()
    {
        _batch.Clear();
        _patient.MoveTo(_batch, int.MaxValue);
        TransactEach(failedBefore: _batch.Count, reason: null);
    }

    private void FailAll()
    {
        _batch.Clear();
        _patient.MoveTo(_batch, int.MaxValue);
        _batch.AddRange(_works);
        _works.Clear();
        foreach (var work in _batch)
            work.Fail(Ended(work));
    }
}
