using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Runnel.Consumers;
using Runnel.Links;
using Runnel.Nodes;

namespace Runnel.Handover;

/// <summary>The gateway's side: which worker has which connection of this node.</summary>
/// <remarks>Locks: first the one of this class, then a session's, then a link's.</remarks>
internal sealed class ConnectionOwners : IDisposable
{
    /// <summary>How the channel begins by which a worker says that it takes an endpoint's connections.</summary>
    public const string ChannelPrefix = "websocket.connect.";

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(1);

    // A full worker is asked again after this time, or in the next round if a connection finds no other.
    private static readonly TimeSpan RestOfFull = TimeSpan.FromSeconds(30);

    private readonly NodeContext _context;
    private readonly WorkerTable _workers;
    private readonly IScopeFormat _scopes;
    private readonly ConcurrentDictionary<long, HandedSession> _sessions = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _load = [];
    private readonly Dictionary<string, int> _adoptable = []; // how many connections of an endpoint can go from one worker to another
    private readonly HashSet<HandedSession> _waiting = [];
    private readonly HashSet<(string Worker, string Endpoint)> _unknown = [];
    private readonly Dictionary<string, long> _full = [];
    private readonly ITimer _timer;
    private bool _isTicking;

    public ConnectionOwners(NodeContext context, NodeLinks links, WorkerTable workers, SessionHost host, IScopeFormat scopes, IOptions<HandoverOptions> options)
    {
        (_context, Links, _workers, Host, _scopes, Options) = (context, links, workers, host, scopes, options.Value);
        _timer = context.TimeProvider.CreateTimer(static owners => ((ConnectionOwners)owners!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        workers.Changed += OnWorkersChanged;
    }

    public NodeLinks Links { get; }

    public SessionHost Host { get; }

    public HandoverOptions Options { get; }

    /// <summary>Whether the application stops: what has no worker then does not wait for one.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>This moment, to compare with <see cref="HandedSession.Deadline"/>.</summary>
    public long Now => _context.TimeProvider.GetTimestamp();

    /// <summary>How many connections wait for a worker.</summary>
    public int WaitingCount
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    /// <summary>How many connections of this node a worker has.</summary>
    public int LoadOf(string worker)
    {
        lock (_lock)
            return _load.GetValueOrDefault(worker);
    }

    /// <summary>A moment from now, to compare with <see cref="HandedSession.Deadline"/>.</summary>
    public long DeadlineIn(TimeSpan time) => Now + (long)(time.TotalSeconds * _context.TimeProvider.TimestampFrequency);

    /// <summary>The connection of a number; <see langword="null"/> if it is over.</summary>
    public HandedSession? Find(long number) => _sessions.GetValueOrDefault(number);

    /// <summary>A connection begins.</summary>
    public void Add(HandedSession session)
    {
        lock (_lock)
        {
            _sessions[session.Connection.Number] = session;
            if (session.CanBeAdopted)
                Count(_adoptable, session.Endpoint, 1);
            if (_isTicking)
                return;
            _isTicking = true;
            _timer.Change(Round, Round);
        }
    }

    /// <summary>A connection is over.</summary>
    public void Remove(HandedSession session)
    {
        lock (_lock)
        {
            if (!_sessions.TryRemove(session.Connection.Number, out _))
                return; // two have seen its end
            if (session.CanBeAdopted)
                Count(_adoptable, session.Endpoint, -1);
            StopWaiting(session);
            if (session.Worker is { } worker)
                Load(worker, -1);
        }
    }

    /// <summary>Gives a connection to the worker that has the least to do, or lets it wait for one.</summary>
    public void HandOut(HandedSession session)
    {
        if (PickOrWait(session) is null || !TryWriteScope(session, out var scope))
            return;
        lock (_lock)
        {
            if (PickOrWait(session) is not { } worker || !session.TryHandTo(worker, scope))
                return;
            _full.Remove(worker); // it says so if it still is
            Load(worker, 1);
        }
    }

    /// <summary>The application stops.</summary>
    public void Stop()
    {
        IsStopping = true;
        foreach (var session in All)
            FinishIfEnded(session);
    }

    /// <summary>A worker is gone, with all that it had.</summary>
    public void Lose(string worker)
    {
        List<HandedSession> lost = [];
        lock (_lock)
        {
            foreach (var (_, session) in _sessions)
            {
                if (!session.TryLose(worker, owner: null, hasDied: true))
                    continue;
                lost.Add(session);
                Load(worker, -1);
            }
            _unknown.RemoveWhere(one => one.Worker == worker);
            _full.Remove(worker);
        }
        if (lost.Count > 0)
            Log.WorkerLost(_context.Logger, worker, lost.Count);
        // What is sent to the node during this call is dropped, and it may be the next owner.
        ThreadPool.UnsafeQueueUserWorkItem(_ => lost.ForEach(GoOn), null);
    }

    /// <summary>A worker gives a connection back.</summary>
    /// <returns><see langword="false"/> if it does not have it.</returns>
    public bool TryTakeBack(HandedSession session, string worker, int owner, bool wasCutShort)
    {
        lock (_lock)
        {
            if (!session.TryLose(worker, owner, wasCutShort))
                return false;
            Load(worker, -1);
        }
        GoOn(session);
        return true;
    }

    /// <summary>A worker cannot take a connection.</summary>
    /// <returns><see langword="false"/> if it does not have it.</returns>
    public bool TryTakeRefusal(HandedSession session, string worker, int owner, HandoverFormat.Refusal refusal)
    {
        lock (_lock)
        {
            if (!session.TryTakeRefusal(worker, owner))
                return false;
            Load(worker, -1);
            if (refusal == HandoverFormat.Refusal.Unknown)
                _unknown.Add((worker, session.Endpoint));
            else if (refusal == HandoverFormat.Refusal.Full)
                _full[worker] = DeadlineIn(RestOfFull);
        }
        if (refusal == HandoverFormat.Refusal.Failed)
            session.Abandon(CloseCode.ServiceRestart, "The server is restarting.", "refused");
        else
            GoOn(session); // another worker may have room, or run a version of the application that knows the endpoint
        return true;
    }

    public void Dispose()
    {
        _workers.Changed -= OnWorkersChanged;
        _timer.Dispose();
    }

    // Without a copy, and without a lock.
    private IEnumerable<HandedSession> All => _sessions.Select(static one => one.Value);

    private string? Pick(string endpoint)
    {
        lock (_lock)
            return _workers.Pick(ChannelPrefix + endpoint, id => Refuses(id, endpoint) ? WorkerTable.TooMuch : _load.GetValueOrDefault(id));
    }

    // Called with the lock held.
    private bool Refuses(string worker, string endpoint) => _unknown.Contains((worker, endpoint)) || (_full.TryGetValue(worker, out var until) && until > Now);

    private string? PickOrWait(HandedSession session)
    {
        lock (_lock)
        {
            var worker = Pick(session.Endpoint);
            if (worker is not null || !session.TryWait())
                StopWaiting(session);
            else if (_waiting.Add(session))
                HandoverMetrics.Waits(1);
            return worker;
        }
    }

    // Called with the lock held.
    private void StopWaiting(HandedSession session)
    {
        if (_waiting.Remove(session))
            HandoverMetrics.Waits(-1);
    }

    // It has what the application made of the user.
    private bool TryWriteScope(HandedSession session, out ReadOnlyMemory<byte> scope)
    {
        try
        {
            return session.TryWriteScope(_scopes, out scope);
        }
        catch (Exception exception)
        {
            Log.ScopeUnwritable(_context.Logger, exception, session.Connection.Number, session.Endpoint);
            session.Abandon(CloseCode.InternalError, "The server failed to handle this connection.", "scope");
            scope = default;
            return false;
        }
    }

    // What the last owner asked for may wait for a slow client, and the next one must find all of it done.
    private void GoOn(HandedSession session) => session.AfterOrders(() => ForEach([session], TakeNextStep));

    private void TakeNextStep(HandedSession session)
    {
        switch (session.Next())
        {
            case NextStep.HandOut:
                HandOut(session);
                break;
            case NextStep.Restart:
                session.Abandon(CloseCode.ServiceRestart, "The server is restarting.", "not-adoptable");
                break;
            case NextStep.Fail:
                Log.KilledWorkers(_context.Logger, session.Connection.Number, session.Endpoint, HandedSession.MostDeaths);
                session.Abandon(CloseCode.InternalError, "The server failed to handle this connection.", "killed-workers");
                break;
        }
        if (IsStopping)
            FinishIfEnded(session);
    }

    // On a thread of the pool, where an exception would end the process, or among what a worker asked for.
    private void ForEach(IEnumerable<HandedSession> sessions, Action<HandedSession> step)
    {
        foreach (var session in sessions)
        {
            try
            {
                step(session);
            }
            catch (Exception exception)
            {
                Log.HandOutFailed(_context.Logger, exception, session.Connection.Number, session.Endpoint);
                session.Abandon(CloseCode.InternalError, "The server failed to handle this connection.", "failed");
            }
        }
    }

    private void OnWorkersChanged() => ThreadPool.UnsafeQueueUserWorkItem(
        static owners =>
        {
            List<HandedSession> waiting;
            lock (owners._lock)
                waiting = [.. owners._waiting];
            owners.ForEach(waiting, owners.HandOut);
        },
        this,
        preferLocal: false);

    private void Tick()
    {
        var now = Now;
        ForEach(All.Where(session => session.Deadline <= now), static session => session.GiveUp());
        List<HandedSession> waiting;
        lock (_lock)
        {
            OwnerBalance.AskBack(All, _adoptable.Keys, _load, Pick, _full.ContainsKey);
            if (_waiting.Count > 0)
                _full.Clear();
            waiting = [.. _waiting.Where(session => Pick(session.Endpoint) is not null).Take(OwnerBalance.MostAtOnce)];
        }
        ForEach(waiting, HandOut); // a worker that was full may have room now
        lock (_lock)
        {
            if (!_sessions.IsEmpty)
                return;
            _isTicking = false;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    // Its socket is gone, and nobody is there to be told.
    private static void FinishIfEnded(HandedSession session)
    {
        if (session is { HasEnded: true, Worker: null })
            session.Finish();
    }

    // Called with the lock held.
    private void Load(string worker, int change)
    {
        Count(_load, worker, change);
        HandoverMetrics.Has(worker, change);
    }

    // Nothing is remembered of what is gone.
    private static void Count(Dictionary<string, int> counts, string key, int change)
    {
        if (counts.GetValueOrDefault(key) + change is > 0 and var count)
            counts[key] = count;
        else
            counts.Remove(key);
    }
}
