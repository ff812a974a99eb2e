using System.Data.Common;
using System.Runtime.CompilerServices;

namespace Runnel.EntityFrameworkCore;

/// <summary>Changes saved inside a database transaction: kept until it commits, cut back with its savepoints, forgotten when it ends otherwise.</summary>
/// <remarks>
/// Belongs to the transaction and not to a context, because contexts may share one, and one may outlive a pooled context. A provider may use
/// an object again for its next transaction (Npgsql does), so that every beginning and every end clears the place.
/// </remarks>
internal sealed class PendingChanges
{
    private static readonly ConditionalWeakTable<DbTransaction, PendingChanges> Transactions = [];

    private readonly Lock _lock = new();
    private readonly List<OutgoingChange> _changes = [];
    private readonly List<(string? Name, int Count)> _savepoints = [];
    private readonly HashSet<Guid> _users = [];
    private Guid _owner;

    private PendingChanges()
    {
    }

    public static PendingChanges Of(DbTransaction transaction) => Transactions.GetValue(transaction, static _ => new PendingChanges());

    /// <summary>A context began the transaction.</summary>
    public static void Begin(DbTransaction transaction, Guid user)
    {
        Transactions.Remove(transaction);
        var pending = Of(transaction);
        pending._owner = user;
        pending.Join(user);
    }

    /// <summary>A context was handed the transaction.</summary>
    public void Join(Guid user)
    {
        lock (_lock)
            _users.Add(user);
    }

    /// <summary>A context let go of the transaction. When it was its owner, or the last one, what was not committed by now never is, for all we see.</summary>
    public static void Leave(DbTransaction transaction, Guid user)
    {
        if (!Transactions.TryGetValue(transaction, out var pending) || !pending.IsOver(user, out var unseen))
            return;
        Transactions.Remove(transaction);
        ChangePublisher.Abandon(unseen, "the transaction was handed to the context with UseTransaction, and the context did not see it end. "
            + "Commit it with Database.CommitTransaction(), not with the DbTransaction's own Commit().");
    }

    /// <summary>The transaction has ended; what it held is the caller's to send, or to forget.</summary>
    public static IReadOnlyList<OutgoingChange> Take(DbTransaction transaction)
    {
        if (!Transactions.TryGetValue(transaction, out var pending))
            return [];
        Transactions.Remove(transaction);
        lock (pending._lock)
            return [.. pending._changes];
    }

    public void Add(IEnumerable<OutgoingChange> changes)
    {
        lock (_lock)
            _changes.AddRange(changes);
    }

    public void Mark(string? savepoint)
    {
        lock (_lock)
            _savepoints.Add((savepoint, _changes.Count));
    }

    /// <summary>Forgets what was saved since the savepoint; since the oldest one when nobody knows which was meant, so that nothing untrue is sent.</summary>
    public void RollBackTo(string? savepoint)
    {
        lock (_lock)
        {
            var at = savepoint is null ? 0 : _savepoints.FindLastIndex(mark => mark.Name == savepoint);
            if (at < 0 || at >= _savepoints.Count)
                return;
            var kept = _savepoints[at].Count;
            if (savepoint is null)
                WarnOfDoubt(_changes[kept.._savepoints[^1].Count]);
            _changes.RemoveRange(kept, _changes.Count - kept);
            _savepoints.RemoveRange(at + 1, _savepoints.Count - at - 1);
        }
    }

    public void Release(string? savepoint)
    {
        lock (_lock)
        {
            var at = savepoint is null ? -1 : _savepoints.FindLastIndex(mark => mark.Name == savepoint);
            if (at >= 0)
                _savepoints.RemoveRange(at, _savepoints.Count - at);
        }
    }

    private static void WarnOfDoubt(IReadOnlyList<OutgoingChange> changes) => ChangePublisher.Abandon(
        changes, "the transaction was rolled back to one of several savepoints, and this database provider does not say to which.");

    private bool IsOver(Guid user, out List<OutgoingChange> unseen)
    {
        lock (_lock)
        {
            unseen = [];
            if (!_users.Remove(user))
                return false;
            if (_owner == user)
                return true;
            if (_users.Count > 0)
                return false;
            unseen = [.. _changes];
            return true;
        }
    }
}
