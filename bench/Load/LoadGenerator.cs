namespace Runnel.Bench;

/// <summary>Holds the connections and reads them all on one thread.</summary>
internal sealed class LoadGenerator
{
    private const int BufferSize = 256 * 1024;

    private readonly Epoll _epoll = new();
    private readonly List<ClientSocket> _sockets = [];
    private readonly Lock _lock = new();
    private int _lost;
    private int _next;

    public Deliveries Deliveries { get; } = new();

    public int ConnectionsLost => Volatile.Read(ref _lost);

    public void Start() => new Thread(Read) { IsBackground = true, Name = "load" }.Start();

    public void Connect(int port, string target, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var socket = new ClientSocket(port, target, Deliveries);
            lock (_lock)
            {
                _sockets.Add(socket);
                _epoll.Watch(socket.Descriptor, tag: _sockets.Count - 1);
            }
        }
    }

    /// <summary>Sends a message over the connections in turn. One thread at a time, and not while connections come and go.</summary>
    public Task SendAsync(string message)
    {
        if (ConnectionsLost > 0)
            throw new BenchException($"{ConnectionsLost} connections were lost while messages were sent over them.");
        _next = (_next + 1) % _sockets.Count;
        _sockets[_next].Send(message);
        return Task.CompletedTask;
    }

    public void Disconnect()
    {
        lock (_lock)
        {
            foreach (var socket in _sockets)
                socket.Dispose();
            _sockets.Clear();
        }
    }

    private void Read()
    {
        var buffer = new byte[BufferSize];
        while (true)
        {
            var ready = _epoll.Wait();
            lock (_lock)
            {
                for (var i = 0; i < ready; i++)
                    Read(_epoll.TagOf(i), buffer);
            }
        }
    }

    private void Read(int tag, byte[] buffer)
    {
        // Disconnected while its event was on the way.
        if (tag >= _sockets.Count)
            return;
        if (_sockets[tag].Receive(buffer))
            return;
        _sockets[tag].Dispose();
        Interlocked.Increment(ref _lost);
    }
}
