using System.Net;
using System.Net.Sockets;

namespace Runnel.Tests.Servers;

/// <summary>The wire to a server on loopback, which a test can cut, silence and heal: connect to <see cref="Port"/> instead of the server's.</summary>
/// <remarks>
/// Silence is what a partitioned network is: connections stay open, nobody hears anything, and what was said meanwhile arrives when it is over,
/// unless the wire is cut before. So a command whose answer is lost is <c>Silence(toServer: false)</c>, the command, and <c>Cut()</c>.
/// </remarks>
internal sealed class TcpWire : IAsyncDisposable
{
    private const int MostConnections = 1_000;
    private const int MostInside = 256 * 1024; // a slow wire is not to take at once what it passes on later

    private volatile int _serverPort;
    private readonly WireGate _toServer = new();
    private readonly WireGate _toClient = new();
    private readonly Lock _lock = new();
    private readonly HashSet<WireConnection> _open = [];
    private readonly List<Task> _listening = [];
    private TcpListener? _listener;
    private int _taken;

    private TcpWire(int serverPort) => _serverPort = serverPort;

    /// <summary>Where the server is found by this wire.</summary>
    public int Port { get; } = LoopbackPort.Free();

    /// <summary>How many connections are open.</summary>
    public int Connections
    {
        get
        {
            lock (_lock)
                return _open.Count;
        }
    }

    /// <summary>How many connections were ever taken.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>How many pieces of what the server said have ever been held back.</summary>
    public int HeldFromServer => _toClient.Held;

    /// <summary>Lays a wire to a port.</summary>
    public static TcpWire To(int serverPort)
    {
        var wire = new TcpWire(serverPort);
        wire.Heal();
        return wire;
    }

    /// <summary>Has the wire lead to another server: connections that are made from now on go there.</summary>
    public void Lead(int serverPort) => _serverPort = serverPort;

    /// <summary>Resets all connections, and refuses new ones.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _listener?.Stop();
            _listener = null;
        }
        Reset();
    }

    /// <summary>Resets all connections, and takes new ones at once.</summary>
    public void Reset()
    {
        WireConnection[] connections;
        lock (_lock)
        {
            connections = [.. _open];
            _open.Clear();
        }
        foreach (var connection in connections)
            connection.Dispose();
    }

    /// <summary>Lets nothing through any more on those connections that are open now; others are carried as ever. What a router does that has forgotten them.</summary>
    public void Strand()
    {
        lock (_lock)
        {
            foreach (var connection in _open)
                connection.Strand();
        }
    }

    /// <summary>Lets nothing through, and leaves connections open.</summary>
    public void Silence(bool toServer = true, bool toClient = true)
    {
        if (toServer)
            _toServer.Close();
        if (toClient)
            _toClient.Close();
    }

    /// <summary>In a silence: lets so many pieces of what the server says through, each as much as came at once.</summary>
    public void PassFromServer(int pieces) => _toClient.Pass(pieces);

    /// <summary>Lets no more than so many bytes through in a second, in each direction.</summary>
    public void Slow(int bytesPerSecond) => _toServer.BytesPerSecond = _toClient.BytesPerSecond = bytesPerSecond;

    /// <summary>Ends a cut and a silence.</summary>
    public void Heal()
    {
        lock (_lock)
        {
            if (_listener is null)
            {
                _listener = new TcpListener(IPAddress.Loopback, Port);
                _listener.Server.ReceiveBufferSize = MostInside;
                _listener.Start();
                _listening.Add(ListenAsync(_listener));
            }
        }
        _toServer.Open();
        _toClient.Open();
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await Task.WhenAll(_listening);
    }

    private async Task ListenAsync(TcpListener listener)
    {
        var carried = new List<Task>();
        try
        {
            while (true)
            {
                var connection = new WireConnection(await listener.AcceptSocketAsync(), _toServer, _toClient);
                carried.RemoveAll(task => task.IsCompleted);
                carried.Add(CarryAsync(connection, listener));
            }
        }
        catch (Exception exception) when (exception is SocketException or InvalidOperationException)
        {
            // Cut: while it waited, or between two.
        }
        await Task.WhenAll(carried);
    }

    private async Task CarryAsync(WireConnection connection, TcpListener listener)
    {
        if (!TryTake(connection, listener))
        {
            connection.Dispose();
            return;
        }
        await connection.CarryAsync(_serverPort);
        lock (_lock)
            _open.Remove(connection);
    }

    // One that was accepted while the wire was being cut is cut, too.
    private bool TryTake(WireConnection connection, TcpListener listener)
    {
        lock (_lock)
        {
            if (_listener != listener || _open.Count == MostConnections)
                return false;
            _taken++;
            return _open.Add(connection);
        }
    }
}
