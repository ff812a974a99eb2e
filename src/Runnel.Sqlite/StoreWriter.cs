using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Sqlite;

/// <summary>The one thread of this process that writes. Each round is one transaction with everything that was asked for meanwhile.</summary>
/// <remarks>
/// That is the whole of group commit: while the disk confirms one transaction, the works of the next one gather. No timer holds a work back.
/// </remarks>
internal sealed partial class StoreWriter
{
    // A transaction stops taking works at this sum, so that other processes get their turn.
    private const int MostWeight = 1000;

    // How often the file is looked at for what a lost ring, or a dead neighbour, would have said: 3 microseconds when nothing has changed.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LookIntervalAlone = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ShortPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(1);

    private readonly Database _database;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly StoreTransaction _transaction;
    private readonly WriterInbox _inbox = new();
    private readonly Sweeper _sweeper;
    private readonly Queue<StoreWork> _works = new();
    private readonly List<StoreWork> _batch = [];
    private readonly List<StoreWork> _done = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _timer;
    private long _version = -1;
    private long _armedFor = long.MaxValue;
    private volatile bool _timerFired;
    private volatile bool _othersWait;
    private volatile bool _killed;

    public StoreWriter(Database database, SqliteOptions options, TimeProvider timeProvider, ILogger logger)
    {
        _database = database;
        _timeProvider = timeProvider;
        _logger = logger;
        _transaction = new StoreTransaction(database, options.DeadLetterRetention);
        _sweeper = new Sweeper(_transaction, logger);
        Neighbours = Join();
        Deliveries = new Deliveries(options.DeliveryBuffer, OnDeliveriesDrained, OnUnsubscribedAsync, logger);
        _timer = timeProvider.CreateTimer(static writer => ((StoreWriter)writer!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (!Neighbours.Self.Bell.IsAudible)
            Log.NoBell(logger, database.Path, LookInterval);
        new Thread(Run) { IsBackground = true, Name = "Runnel SQLite writer" }.Start();
    }

    public WaitingReceivers Receivers { get; } = new();

    public WaitingSenders Senders { get; } = new();

    public Deliveries Deliveries { get; }

    public Neighbours Neighbours { get; }

    /// <summary>Whether the file could be written the last time.</summary>
    public bool IsConnected { get; private set; } = true;

    /// <summary>Raised on the writer's thread when <see cref="IsConnected"/> has changed.</summary>
    public event Action? ConnectedChanged;

    /// <summary>Raised on the writer's thread when this process's claims went to others.</summary>
    public event Action? Forgotten;

    /// <summary>Hands over a work.</summary>
    /// <returns><see langword="false"/> when the writer takes no more.</returns>
    public bool TryPost(StoreWork work) => _inbox.TryPost(work);

    /// <summary>Ends, when all works are done; hands back what this process's workers hold.</summary>
    public Task StopAsync()
    {
        _inbox.Stop();
        return _ended.Task;
    }

    /// <summary>For tests: ends like a process that is killed. What it holds stays claimed; its lock is let go of by the caller.</summary>
    public Task KillAsync()
    {
        _killed = true;
        _inbox.Stop();
        return _ended.Task;
    }

    private long Now => _timeProvider.GetUtcNow().UtcTicks;

    private Neighbours Join()
    {
        _database.Begin();
        try
        {
            _transaction.Begin(Now);
            var self = Membership.Join(_transaction, OnRing);
            _transaction.Finish();
            _database.Commit();
            var neighbours = new Neighbours(_transaction, self, _logger);
            neighbours.Look();
            neighbours.Ring(Bell.Look);
            _sweeper.Look();
            return neighbours;
        }
        catch
        {
            _database.Rollback();
            throw;
        }
    }

    private void Run()
    {
        try
        {
            var isAudible = Neighbours.Self.Bell.IsAudible;
            while (_inbox.Wait(_works, isAudible && !Neighbours.Exist ? LookIntervalAlone : LookInterval) && !_killed)
                RunOnce();
            if (!_killed)
                Leave();
        }
        finally
        {
            End();
        }
    }

    private void RunOnce()
    {
        try
        {
            Receivers.LookAtDue(Now);
            if (_works.Count == 0)
            {
                _transaction.Begin(Now);
                LookAtOthers();
            }
            if (_works.Count > 0 || Receivers.NeedAttention || _othersFreedRoom || Neighbours.SelfIsForgotten || _sweeper.Next <= Now)
                Transact();
            if (Neighbours.FindDead() is { } dead)
                Bury(dead);
            Arm();
            if (Receivers.NeedAttention)
                _inbox.Wake();
        }
        catch (SqliteFailure failure) when (failure.IsBusy)
        {
            // Another process is putting the file in order after one that died. It is looked at again at once.
            _version = -1;
        }
        catch (Exception exception)
        {
            // Nobody's work: those are told themselves. So it is logged, and tried again without haste.
            SetConnected(false, exception);
            _database.Rollback();
            Pause.For(LookIntervalAlone);
            _version = -1;
        }
    }

    private void Bury((long Id, string Name) dead)
    {
        Transact(() => Neighbours.Bury(dead), []);
        Neighbours.DeleteFilesOf(dead.Name);
    }

    private void Leave()
    {
        try
        {
            Transact(() => _transaction.Nodes.Remove(Neighbours.Self.Id), []);
        }
        catch (Exception exception)
        {
            SetConnected(false, exception); // the others will find the lock free
        }
    }

    private void End()
    {
        _timer.Dispose();
        while (_works.TryDequeue(out var work))
            work.Fail(Ended(work));
        Receivers.Fail(lease: null, Ended);
        Senders.Fail(static () => new ObjectDisposedException(nameof(SqliteStore)));
        _ended.SetResult();
    }

    private Exception Ended(StoreWork work) =>
        _killed && work is ReceiveWork receive ? new LeaseLostException(receive.Lease.WorkerId) : new ObjectDisposedException(nameof(SqliteStore));

    private void SetConnected(bool isConnected, Exception? exception = null)
    {
        if (IsConnected == isConnected)
            return;
        IsConnected = isConnected;
        if (isConnected)
            Log.Restored(_logger, _database.Path);
        else
            Log.Interrupted(_logger, _database.Path, exception!);
        ConnectedChanged?.Invoke();
    }

    private void Arm()
    {
        var next = Math.Min(Receivers.NextDue, _sweeper.Next);
        if (next == _armedFor && !_timerFired)
            return;
        _timerFired = false;
        _armedFor = next;
        if (next == long.MaxValue)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }
        // Rounded up to the timers' millisecond: waking early would mean to wake twice.
        var sleep = Math.Clamp(next - Now, 0, LongestSleep.Ticks);
        var milliseconds = (sleep + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        _timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
        if (next <= Now)
            OnTimer(); // it has come meanwhile
    }

    private void OnTimer()
    {
        _timerFired = true;
        _inbox.Wake();
    }

    private void OnRing(byte what)
    {
        if (what == Bell.LetMeWrite)
            _othersWait = true;
        else
            _inbox.Wake();
    }

    private void OnDeliveriesDrained()
    {
        if (_transaction.Publications.IsBehind)
            _inbox.Wake();
    }

    private async Task OnUnsubscribedAsync(string topic)
    {
        var work = StoreWork.Of(transaction =>
        {
            if (!Deliveries.IsSubscribed(topic)) // nor again meanwhile
                transaction.Topics.RemoveInterest(topic, Neighbours.Self.Id);
            return true;
        });
        // What fails here leaves a row that goes with this process; ending a subscription does not fail for it.
        if (TryPost(work))
            await ((Task)work.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
