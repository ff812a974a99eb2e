using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Receiving;

/// <summary>Renews the leases of this process's workers, four times in a lease.</summary>
/// <remarks>
/// On a thread and a connection of its own that need no other thread: a process whose handlers keep every other one busy still lives. What it learns by
/// the way (a worker died, something is ready, something will be due) makes up for a bell that was not heard.
/// </remarks>
internal sealed class RedisHeart : IAsyncDisposable
{
    private const int BeatsPerLease = 4;
    private const int TriesPerLease = 3; // so that a connection that is silent, and the next one, do not cost it
    private const int Lost = 1, WorkerDied = 2, Ready = 4;
    private static readonly TimeSpan ShortestTry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(1), TellEvery = TimeSpan.FromMinutes(1);

    private readonly RedisStore _store;
    private readonly Action<RedisChannel, LeasesEnded> _reap;
    private readonly Lock _lock = new();
    private readonly Lock _beating = new();
    private readonly AutoResetEvent _changed = new(false);
    private LeaseTerm[] _terms = [];
    private Thread? _thread;
    private RedisSocket? _socket;
    private long _made;
    private long? _toldRefusal;
    private bool _isEnding;

    /// <param name="store">The store.</param>
    /// <param name="reap">Hands on what the workers of a channel held whose leases ended in that time.</param>
    public RedisHeart(RedisStore store, Action<RedisChannel, LeasesEnded> reap) => (_store, _reap) = (store, reap);

    public void Add(LeaseTerm term)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isEnding, this);
            _terms = [.. _terms, term];
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "Runnel: leases on Redis" };
                _thread.Start();
            }
        }
        _changed.Set();
    }

    public void Remove(LeaseTerm term)
    {
        lock (_lock)
            _terms = [.. _terms.Where(other => other != term)];
    }

    /// <summary>Whether it keeps a lease.</summary>
    public bool Holds(LeaseTerm term) => Volatile.Read(ref _terms).Contains(term);

    /// <summary>Renews all leases.</summary>
    public void Beat()
    {
        lock (_beating)
        {
            try
            {
                foreach (var term in Volatile.Read(ref _terms))
                    Beat(term);
                TellBack();
            }
            catch (Exception exception)
            {
                foreach (var term in Volatile.Read(ref _terms))
                    term.Pulse.Break();
                TellFailed(exception);
                _socket?.Dispose();
                _socket = null;
                throw;
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock)
            _isEnding = true;
        _changed.Set();
        return new(Task.Run(() => _thread?.Join()));
    }

    private void Run()
    {
        var backoff = new Backoff();
        var rest = TimeSpan.Zero;
        while (!_isEnding)
        {
            _changed.WaitOne(rest);
            try
            {
                Beat();
                backoff.Reset();
                rest = Rest();
            }
            catch (Exception exception) when (exception is IOException or FormatException)
            {
                rest = new[] { backoff.Next(), Rest() }.Min();
            }
        }
        _socket?.Dispose();
        _store.Outage.Forget(this);
        _changed.Dispose();
    }

    private void TellFailed(Exception exception)
    {
        if (_socket is null)
        {
            _store.Outage.Failed(this, exception.Message);
        }
        else if (exception is not RedisErrorException { IsPassing: false })
        {
            _store.Outage.Lost(this, _made, exception.Message);
        }
        else if (_toldRefusal is null || TimeProvider.System.GetElapsedTime(_toldRefusal.Value) >= TellEvery)
        {
            _toldRefusal = TimeProvider.System.GetTimestamp();
            Log.BeatFailed(_store.Logger, exception);
        }
    }

    private void TellBack()
    {
        _toldRefusal = null;
        if (_socket is null)
            _store.Outage.Forget(this); // there is nothing to renew any more
        else
            _store.Outage.Over(this, _made);
    }

    private TimeSpan Rest() => ShortestLease() / BeatsPerLease ?? Idle;

    /// <summary>How long a beat may take: however long Redis may take otherwise, a lease that is not renewed ends.</summary>
    private TimeSpan Patience()
    {
        var longest = _store.Options.Timeout;
        var each = ShortestLease() / TriesPerLease ?? longest;
        return each >= longest ? longest : each > ShortestTry ? each : ShortestTry;
    }

    private TimeSpan? ShortestLease()
    {
        var leases = Volatile.Read(ref _terms);
        return leases.Length == 0 ? null : leases.Min(static term => term.Duration);
    }

    private void Beat(LeaseTerm term)
    {
        var channels = term.Channels;
        if (channels.Count == 0)
            return;
        var writer = RedisScript.Beat.Run(4 * channels.Count, 5);
        foreach (var channel in channels)
        {
            var keys = channel.Keys;
            writer.Add(keys.Workers);
            writer.Add(keys.Ready);
            writer.Add(keys.Returned);
            writer.Add(keys.Delayed);
        }
        var asked = _store.TimeProvider.GetTimestamp();
        writer.Add(_store.ScriptTime);
        writer.Add(term.WorkerId);
        writer.Add((long)term.Duration.TotalMicroseconds);
        var sent = TimeProvider.System.GetTimestamp(); // before the lease is looked at: a process that stands still right after that is to count as late
        if (!term.IsHeld)
            term.Pulse.Break();
        writer.Add(term.Pulse.Since);
        writer.Add(term.Pulse.DeadFrom);
        var answer = Execute(writer.Written).Items;
        var now = answer[0].AsNumber();
        term.Renew(sent);
        var mayJudge = term.Pulse.Beat(now, sent);
        var dead = new LeasesEnded(answer[1].AsNumber(), now);
        for (var i = 0; i < channels.Count; i++)
        {
            var (channel, found, nextDue) = (channels[i], answer[2 + (2 * i)].AsNumber(), answer[3 + (2 * i)].AsNumber());
            if ((found & Lost) != 0)
            {
                term.Lose();
                continue;
            }
            if ((found & WorkerDied) != 0 && mayJudge)
                _reap(channel, dead);
            if ((found & Ready) != 0 && channel.IsWanted)
                channel.Look();
            if (channel.IsWanted)
                channel.LookIn(nextDue, asked);
        }
    }

    private RespValue Execute(ReadOnlyMemory<byte> command)
    {
        var patience = Patience();
        if (_socket is null)
        {
            _socket = _store.Dialer.With(patience).Connect();
            _made = TimeProvider.System.GetTimestamp();
        }
        _socket.Timeout = patience;
        try
        {
            return _socket.Execute(command);
        }
        catch (RedisErrorException exception) when (exception.Code == "NOSCRIPT")
        {
            _socket.Execute(RedisScript.Beat.Load);
            return _socket.Execute(command);
        }
    }
}
