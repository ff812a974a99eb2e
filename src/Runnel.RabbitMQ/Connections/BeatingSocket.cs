using System.Net;
using System.Net.Sockets;
using RabbitMQ.Client;

namespace Runnel.RabbitMQ.Connections;

/// <summary>A connection as the client wants it, with TLS if asked for, that beats by itself.</summary>
internal sealed class BeatingSocket(AddressFamily family, SslOption? tls, RabbitHeart heart) : ITcpClient
{
    private readonly Socket _socket = new(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private BeatingStream? _stream;

    public bool Connected => _socket.Connected;

    public Socket Client => _socket;

    public TimeSpan ReceiveTimeout
    {
        get => TimeSpan.FromMilliseconds(_socket.ReceiveTimeout);
        set => _socket.ReceiveTimeout = (int)value.TotalMilliseconds;
    }

    public async Task ConnectAsync(IPAddress host, int port, CancellationToken cancellationToken = default)
    {
        await _socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
        Stream plain = new NetworkStream(_socket, ownsSocket: false);
        _stream = new BeatingStream(_socket, tls is null ? plain : await RabbitTls.SealAsync(plain, tls, cancellationToken).ConfigureAwait(false), heart);
    }

    public NetworkStream GetStream() => _stream ?? throw new InvalidOperationException("The connection is not made yet.");

    public void Close()
    {
        _stream?.Dispose();
        _socket.Dispose();
    }

    public void Dispose() => Close();
}
