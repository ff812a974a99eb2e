namespace Runnel.Nodes;

/// <summary>Has a node say that it lives, on a thread of its own: a process whose handlers keep the thread pool busy still lives.</summary>
internal sealed class NodeHeart : IDisposable
{
    // Many who ask at once get one answer.
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(50);

    private readonly object _gate = new(); // a Monitor, not a Lock: it is waited on
    private readonly Func<TimeSpan> _beat;
    private readonly Thread _thread;
    private bool _isWoken;
    private bool _isResting;
    private volatile bool _isEnding;

    /// <summary>Starts.</summary>
    /// <param name="beat">Beats, and says when to do so again; <see cref="Timeout.InfiniteTimeSpan"/>: when woken.</param>
    public NodeHeart(Func<TimeSpan> beat)
    {
        _beat = beat;
        _thread = new Thread(Run) { IsBackground = true, Name = "Runnel: this node lives" };
        _thread.Start();
    }

    /// <summary>Has it beat now.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            _isWoken = true;
            if (!_isResting)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Stops. When that has returned, it does not beat any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isEnding = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join();
    }

    private void Run()
    {
        while (!_isEnding)
            Rest(_beat());
    }

    private void Rest(TimeSpan rest)
    {
        lock (_gate)
        {
            _isResting = true;
            if (!_isEnding)
                Monitor.Wait(_gate, ShortestRest);
            _isResting = false;
            if (!_isEnding && !_isWoken)
                Monitor.Wait(_gate, rest > ShortestRest ? rest - ShortestRest : rest);
            _isWoken = false;
        }
    }
}
