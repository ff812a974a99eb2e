using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Sqlite.Subscribers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Processes;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>The one thread of this process that writes. Each round is one transaction with everything that was asked for meanwhile.</summary>
/// <remarks>
/// That is the whole of group commit: while the disk confirms one transaction, the works of the next one gather. No timer holds a work back.
/// </remarks>
internal sealed partial class StoreWriter
{
    // Alone there is nobody to ring, and nobody to find dead.
    private const int LooksLessAlone = 5;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ShortPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(1);

    private readonly Database _database;
    private readonly StoreReader _reader;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly HighMark _mark;
    private readonly StoreTransaction _transaction;
    private readonly WriterInbox _inbox = new();
    private readonly Sweeper _sweeper;
    private readonly Queue<StoreWork> _works = new();
    private readonly TimeSpan _outageTimeout;
    private readonly TimeSpan _lookInterval;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _timer;
    private long _version = -1;
    private long _armedFor = long.MaxValue;
    private volatile bool _timerFired;
    private volatile bool _othersWait;
    private volatile bool _killed;

    public StoreWriter(Database database, StoreReader reader, SqliteOptions options, TimeProvider timeProvider, ILogger logger)
    {
        _database = database;
        _reader = reader;
        _timeProvider = timeProvider;
        _logger = logger;
        _outageTimeout = options.OutageTimeout;
        _lookInterval = options.LookInterval;
        Health = new StoreHealth(database.Path, logger);
        _mark = HighMark.Open(database.Path);
        _transaction = new StoreTransaction(database, options.DeadLetterRetention);
        _sweeper = new Sweeper(_transaction, logger);
        Leases = new Leases(Receivers);
        Neighbours = Join();
        Deliveries = new Deliveries(options.DeliveryBuffer, ReadMissedAsync, OnDeliveriesDrained, OnUnsubscribedAsync, logger);
        _timer = timeProvider.CreateTimer(static writer => ((StoreWriter)writer!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (!Neighbours.Self.Bell.IsAudible)
            Log.NoBell(logger, database.Path, _lookInterval);
        new Thread(Run) { IsBackground = true, Name = "Runnel SQLite writer" }.Start();
    }

    public WaitingReceivers Receivers { get; } = new();

    public Leases Leases { get; }

    public WaitingSenders Senders { get; } = new();

    public Deliveries Deliveries { get; }

    public Neighbours Neighbours { get; }

    public StoreHealth Health { get; }

    /// <summary>For tests: how often it has looked around. The time between two rounds is the interval of looking, and less when there is something to do.</summary>
    public long Rounds { get; private set; }

    /// <summary>For tests: how many transactions that changed something have waited for the disk.</summary>
    public long Confirmed { get; private set; }

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

    // The history may hold what still waits to be handed out, or to be read from the file, behind messages that no history holds: those come first.
    private async Task<TopicHistory> ReadMissedAsync(Topic topic, Position after, int limit)
    {
        ObjectDisposedException.ThrowIf(_ended.Task.IsCompleted, this);
        var history = _reader.ReadHistory(topic.Value, after, limit, Now);
        var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var work = StoreWork.Of(transaction =>
        {
            transaction.Publications.Mark(Deliveries, passed);
            return true;
        });
        ObjectDisposedException.ThrowIf(!TryPost(work), this);
        await work.Task.ConfigureAwait(false);
        await passed.Task.ConfigureAwait(false);
        return history;
    }

    private long Now => _timeProvider.GetUtcNow().UtcTicks;

    private Neighbours Join()
    {
        Membership? self = null;
        _database.Begin();
        try
        {
            _transaction.Begin(Now);
            GoOnBehindLoss();
            self = Membership.Join(_transaction, OnRing);
            _transaction.Finish();
            _database.Commit();
            NoteNumbers();
            _knownLosses = _mark.Read().Losses;
            var neighbours = new Neighbours(_transaction, self, _logger);
            neighbours.Look();
            neighbours.Ring(Bell.Look);
            _sweeper.Look();
            return neighbours;
        }
        catch
        {
            self?.Abandon();
            _mark.Dispose();
            _database.Rollback();
            throw;
        }
    }

    private void Run()
    {
        try
        {
            var isAudible = Neighbours.Self.Bell.IsAudible;
            while (_inbox.Wait(_works, isAudible && !Neighbours.Exist ? LooksLessAlone * _lookInterval : _lookInterval) && !_killed)
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
        Rounds++;
        try
        {
            Receivers.LookAtDue(Now);
            if (_works.Count == 0)
            {
                _transaction.Begin(Now);
                LookAtOthers();
            }
            if (_works.Count > 0 || Receivers.NeedAttention || _othersFreedRoom || _patient.AreDue || Health.NeedsProof || Neighbours.SelfIsForgotten || _hasGoneBack || _sweeper.Next <= Now)
                Transact();
            if (Neighbours.FindDead() is { } dead)
                Bury(dead);
            Health.Look();
            Arm();
            if (Receivers.NeedAttention || _othersFreedRoom)
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
            Health.Failed(exception);
            _database.Rollback();
            MakeRoomAfter(exception);
            _sweeper.SweepLess();
            Pause.For(AfterFailure);
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
            TryOnceMore();
            Transact(() => _transaction.Nodes.Remove(Neighbours.Self.Id), [], serves: false); // to whom? Those who wait here are leaving
        }
        catch (Exception exception)
        {
            Health.Failed(exception); // the others will find the lock free
        }
    }

    private void End()
    {
        _timer.Dispose();
        _mark.Dispose();
        FailAll();
        Receivers.Fail(lease: null, Ended);
        Senders.Fail(static () => new ObjectDisposedException(nameof(SqliteStore)));
        _ended.SetResult();
    }

    private Exception Ended(StoreWork work) =>
        _killed && work is ReceiveWork receive ? new LeaseLostException(receive.Lease.WorkerId) : new ObjectDisposedException(nameof(SqliteStore));

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
        var work = StoreWork.OfCertain(transaction =>
        {
            if (!Deliveries.IsSubscribed(topic)) // nor again meanwhile
                transaction.Topics.RemoveInterest(topic, Neighbours.Self.Id);
            return true;
        }, isPassing: true);
        // What fails is tried again; whoever ends a subscription does not wait for that.
        if (TryPost(work))
            await ((Task)work.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
