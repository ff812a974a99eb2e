using Microsoft.Extensions.Logging;

namespace Runnel.RabbitMQ.Connections;

/// <summary>Beats for the connections and workers of this process.</summary>
/// <remarks>
/// On a thread of its own that needs no other thread: a process whose handlers keep every thread of the pool busy still lives. It runs while there is something to beat for. When it is late
/// itself, the whole process stood still, as one does that was stopped and goes on: its messages went to others meanwhile, although no connection says so yet.
/// </remarks>
internal sealed class RabbitHeart(TimeSpan heartbeat, ILogger logger)
{
    private const int BeatsInHeartbeat = 4;

    private readonly Lock _lock = new();
    private IBeating[] _all = [];
    private long _last;
    private bool _isRunning;

    /// <summary>How often client and broker say that they live.</summary>
    public TimeSpan Heartbeat => heartbeat;

    /// <summary>Whoever says nothing for so long is dead. The broker goes by the same.</summary>
    public TimeSpan Patience => heartbeat * 2;

    /// <summary>Whether this process goes on, as far as one can tell; for whoever is beaten for.</summary>
    public bool IsBeating => TimeProvider.System.GetElapsedTime(Volatile.Read(ref _last)) < Patience;

    public void Add(IBeating one)
    {
        lock (_lock)
        {
            _all = [.. _all, one];
            if (_isRunning)
                return;
            _isRunning = true;
            Volatile.Write(ref _last, TimeProvider.System.GetTimestamp());
            new Thread(Run) { IsBackground = true, Name = "Runnel: heartbeats of RabbitMQ" }.Start();
        }
    }

    public void Remove(IBeating one)
    {
        lock (_lock)
            _all = [.. _all.Where(other => other != one)];
    }

    private void Run()
    {
        using var never = new ManualResetEvent(false);
        while (GoesOn())
        {
            never.WaitOne(heartbeat / BeatsInHeartbeat);
            var stoodStill = !IsBeating;
            foreach (var one in Volatile.Read(ref _all))
                Beat(one, stoodStill);
            Volatile.Write(ref _last, TimeProvider.System.GetTimestamp());
        }
    }

    private bool GoesOn()
    {
        lock (_lock)
            return _isRunning = _all.Length > 0;
    }

    // Nothing may end this thread, and with it the process.
    private void Beat(IBeating one, bool stoodStill)
    {
        try
        {
            one.Beat(stoodStill);
        }
        catch (Exception exception)
        {
            Log.WatcherFailed(logger, exception);
        }
    }
}
