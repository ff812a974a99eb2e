using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>Holds the clients and does their work on one thread: reading, and coming back when it is time.</summary>
internal sealed class ClientLoop
{
    private const int BufferSize = 256 * 1024;
    private const int Glance = 5; // milliseconds

    private readonly Epoll _epoll = new();
    private readonly Lock _lock = new();
    private readonly PriorityQueue<Action, long> _due = new();
    private readonly List<RecoveringClient> _clients = [];

    public byte[] Buffer { get; } = new byte[BufferSize];

    /// <summary>What those who come back are counted in.</summary>
    public Returns Returns { get; set; } = new();

    public void Start() => new Thread(Run) { IsBackground = true, Name = "clients" }.Start();

    /// <summary>Does something with the clients, which stand still meanwhile.</summary>
    public T With<T>(Func<List<RecoveringClient>, T> act)
    {
        lock (_lock)
            return act(_clients);
    }

    /// <summary>Called under the lock: the client is told when there is something to read.</summary>
    public void Watch(GreetedSocket socket, int tag) => _epoll.WatchChanges(socket.Descriptor, tag);

    /// <summary>Called under the lock: does something later.</summary>
    public void After(TimeSpan time, Action act) => _due.Enqueue(act, Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency));

    private void Run()
    {
        while (true)
        {
            var ready = _epoll.Wait(Glance);
            lock (_lock)
            {
                for (var i = 0; i < ready; i++)
                    Advance(_epoll.TagOf(i));
                while (_due.TryPeek(out var act, out var at) && at <= Stopwatch.GetTimestamp())
                {
                    _due.Dequeue();
                    act();
                }
            }
        }
    }

    private void Advance(int tag)
    {
        // Gone while its event was on the way.
        if (tag < _clients.Count)
            _clients[tag].Advance(Buffer);
    }
}
