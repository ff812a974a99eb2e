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

    private readonly NodeContext _context;
    private readonly WorkerTable _workers;
    private readonly IScopeFormat _scopes;
    private readonly ConcurrentDictionary<long, HandedSession> _sessions = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _load = [];
    private readonly HashSet<HandedSession> _waiting = [];
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
    public long DeadlineIn(TimeSpan time) => _context.TimeProvider.GetTimestamp() + (long)(time.TotalSeconds * _context.TimeProvider.TimestampFrequency);

    /// <summary>The connection of a number; <see langword="null"/> if it is over.</summary>
    public HandedSession? Find(long number) => _sessions.GetValueOrDefault(number);

    /// <summary>A connection begins.</summary>
    public void Add(HandedSession session)
    {
        _sessions[session.Connection.Number] = session;
        lock (_lock)
        {
            if (_isTicking)
                return;
            _isTicking = true;
            _timer.Change(Round, Round);
        }
    }

    /// <summary>A connection is over.</summary>
    public void Remove(HandedSession session)
    {
        _sessions.TryRemove(session.Connection.Number, out _);
        lock (_lock)
        {
            if (_waiting.Remove(session))
                HandoverMetrics.Waits(-1);
            if (session.Worker is { } worker)
                Unload(worker);
        }
    }

    /// <summary>Gives a connection to the worker that has the least to do, or lets it wait for one.</summary>
    public void HandOut(HandedSession session)
    {
        if (!TryWriteScope(session, out var scope))
            return;
        lock (_lock)
        {
            var worker = _workers.Pick(ChannelPrefix + session.Endpoint, id => _load.GetValueOrDefault(id));
            if (worker is null)
            {
                if (_waiting.Add(session))
                    HandoverMetrics.Waits(1);
                session.Wait();
                return;
            }
            if (_waiting.Remove(session))
                HandoverMetrics.Waits(-1);
            if (!session.TryHandTo(worker, scope))
                return;
            _load[worker] = _load.GetValueOrDefault(worker) + 1;
            HandoverMetrics.Has(worker, 1);
        }
    }

    /// <summary>The application stops.</summary>
    public void Stop()
    {
        IsStopping = true;
        FinishEnded();
    }

    /// <summary>A worker is gone, with all that it had.</summary>
    public void Lose(string worker)
    {
        List<HandedSession> lost = [];
        lock (_lock)
        {
            foreach (var session in _sessions.Values)
            {
                if (!session.TryLose(worker, owner: null, hasDied: true))
                    continue;
                lost.Add(session);
                Unload(worker);
            }
        }
        if (lost.Count > 0)
            Log.WorkerLost(_context.Logger, worker, lost.Count);
        // What is sent to the node during this call is dropped, and it may be the next owner.
        ThreadPool.UnsafeQueueUserWorkItem(_ => GoOn(lost), null);
    }

    /// <summary>A worker gives a connection back.</summary>
    /// <returns><see langword="false"/> if it does not have it.</returns>
    public bool TryTakeBack(HandedSession session, string worker, int owner, bool wasCutShort)
    {
        lock (_lock)
        {
            if (!session.TryLose(worker, owner, wasCutShort))
                return false;
            Unload(worker);
        }
        GoOn([session]);
        return true;
    }

    public void Dispose()
    {
        _workers.Changed -= OnWorkersChanged;
        _timer.Dispose();
    }

    // It has what the application made of the user, and must not end the process.
    private bool TryWriteScope(HandedSession session, out ReadOnlyMemory<byte> scope)
    {
        try
        {
            scope = _scopes.Write(session.Connection.Scope);
            return true;
        }
        catch (Exception exception)
        {
            Log.ScopeUnwritable(_context.Logger, exception, session.Connection.Number, session.Endpoint);
            session.Abandon(CloseCode.InternalError, "The server failed to handle this connection.", "scope");
            scope = default;
            return false;
        }
    }

    private void GoOn(List<HandedSession> lost)
    {
        foreach (var session in lost)
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
        }
        if (IsStopping)
            FinishEnded();
    }

    private void OnWorkersChanged() => ThreadPool.UnsafeQueueUserWorkItem(
        static owners =>
        {
            List<HandedSession> waiting;
            lock (owners._lock)
                waiting = [.. owners._waiting];
            waiting.ForEach(owners.HandOut);
        },
        this,
        preferLocal: false);

    private void Tick()
    {
        var now = _context.TimeProvider.GetTimestamp();
        foreach (var session in _sessions.Values)
        {
            if (session.Deadline <= now)
                session.GiveUp();
        }
        lock (_lock)
        {
            OwnerBalance.AskBack(_sessions.Values, _load, endpoint => _workers.Pick(ChannelPrefix + endpoint, id => _load.GetValueOrDefault(id)));
            if (!_sessions.IsEmpty)
                return;
            _isTicking = false;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    // Their sockets are gone, and nobody is there to be told.
    private void FinishEnded()
    {
        foreach (var session in _sessions.Values)
        {
            if (session is { HasEnded: true, Worker: null })
                session.Finish();
        }
    }

    // Called with the lock held.
    private void Unload(string worker)
    {
        if (_load.GetValueOrDefault(worker) is > 1 and var load)
            _load[worker] = load - 1;
        else
            _load.Remove(worker);
        HandoverMetrics.Has(worker, -1);
    }
}
