using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Processes;

/// <summary>The other processes that have the file open: rings at them, and notices when one of them has died. The writer's thread only.</summary>
internal sealed class Neighbours(StoreTransaction transaction, Membership self, ILogger logger)
{
    // Trying a lock costs some 20 microseconds; a worker that dies is to be noticed well within 100 ms.
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ProbeAllInterval = TimeSpan.FromSeconds(1);

    private readonly List<Task> _left = [];
    private List<(long Id, string Name)> _others = [];
    private List<long> _holders = [];
    private long _probed;
    private long _probedAll;
    private volatile HashSet<string> _living = [self.Name];

    /// <summary>Raised when a process has come or gone, or this one has another name.</summary>
    public event Action? Changed;

    public Membership Self { get; private set; } = self;

    public bool Exist => _others.Count > 0;

    /// <summary>Whether this process is no longer known: its lock file was deleted, or the database replaced.</summary>
    public bool SelfIsForgotten { get; private set; }

    /// <summary>Notes who there is, after others have changed the file.</summary>
    public void Look()
    {
        var nodes = transaction.Nodes.List();
        SelfIsForgotten = nodes.RemoveAll(node => node.Id == Self.Id) == 0;
        if (nodes.Count != _others.Count)
            Self.Bell.ForgetAddresses();
        _others = nodes;
        _holders = _others.Count == 0 ? [] : transaction.Nodes.ListHolders();
        NoteLiving();
    }

    /// <summary>Whether a process has the file open, as far as is known here. Thread-safe.</summary>
    public bool Lives(string node) => _living.Contains(node);

    public void Ring(byte what)
    {
        foreach (var (_, name) in _others)
            Self.Bell.Ring(SqliteNames.Socket(transaction.Database.Path, name), what);
    }

    /// <summary>Looks for a process that has died, not more often than is useful.</summary>
    public (long Id, string Name)? FindDead()
    {
        // Real time, not the application's clock: this is about processes, which a test cannot move.
        if (_others.Count == 0 || Stopwatch.GetElapsedTime(_probed) < ProbeInterval)
            return null;
        _probed = Stopwatch.GetTimestamp();
        var all = Stopwatch.GetElapsedTime(_probedAll) >= ProbeAllInterval;
        if (all)
            _probedAll = _probed;
        foreach (var other in _others)
        {
            if ((all || _holders.Contains(other.Id)) && NodeLock.IsFree(SqliteNames.Lock(transaction.Database.Path, other.Name)))
                return other;
        }
        return null;
    }

    /// <summary>Inside a transaction: hands on what the dead process held.</summary>
    public void Bury((long Id, string Name) dead)
    {
        // Another one may have been faster.
        if (transaction.Nodes.List().Contains(dead))
        {
            Log.NodeDied(logger, dead.Name, held: transaction.Nodes.Bury(dead.Id));
        }
        _others.Remove(dead);
        _holders.Remove(dead.Id);
        NoteLiving();
    }

    /// <summary>After the transaction: nobody needs the dead process's files any more.</summary>
    public void DeleteFilesOf(string node)
    {
        try
        {
            SqliteNames.DeleteFiles(transaction.Database.Path, node);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.FilesLeft(logger, node, exception);
        }
    }

    /// <summary>Inside a transaction: joins again, under a new name.</summary>
    public void Rejoin(Action<byte> onRing)
    {
        var old = Self;
        Self = Membership.Join(transaction, onRing);
        SelfIsForgotten = false;
        Log.Forgotten(logger, old.Name, transaction.Database.Path, Self.Name);
        _left.Add(old.DisposeAsync().AsTask());
        NoteLiving();
    }

    /// <summary>Stops listening and lets go of the lock.</summary>
    public async Task LeaveAsync()
    {
        await Self.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_left).ConfigureAwait(false);
    }

    private void NoteLiving()
    {
        HashSet<string> living = [Self.Name, .. _others.Select(static other => other.Name)];
        if (living.SetEquals(_living))
            return;
        _living = living;
        Changed?.Invoke();
    }
}
