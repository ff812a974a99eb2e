using System.Net;
using System.Net.Sockets;

namespace Runnel.Sqlite.Processes;

/// <summary>Tells other processes of the machine to look into the file, and hears them: one datagram of one byte. It may be lost without harm.</summary>
internal sealed class Bell : IAsyncDisposable
{
    /// <summary>Something was stored that you may be waiting for.</summary>
    public const byte Look = 1;

    /// <summary>I want to write and it is always you: pause after this transaction.</summary>
    public const byte LetMeWrite = 2;

    private readonly Socket? _socket;
    private readonly Dictionary<string, SocketAddress> _addresses = [];
    private readonly Action<byte> _onRing;
    private readonly Task _listening;

    /// <summary>Begins to listen.</summary>
    /// <param name="path">The socket's path; <see langword="null"/> if this process cannot have a socket, and so does not hear the others.</param>
    /// <param name="onRing">Called for each ring.</param>
    public Bell(string? path, Action<byte> onRing)
    {
        _onRing = onRing;
        _socket = path is null ? null : TryBind(path);
        _listening = _socket is null ? Task.CompletedTask : ListenAsync(_socket);
    }

    /// <summary>Whether rings are heard; if not, the file has to be looked at more often.</summary>
    public bool IsAudible => _socket is not null;

    /// <summary>Rings at another process. Not thread-safe.</summary>
    public void Ring(string? path, byte what)
    {
        if (_socket is null || path is null)
            return;
        try
        {
            if (!_addresses.TryGetValue(path, out var address))
                _addresses[path] = address = new UnixDomainSocketEndPoint(path).Serialize();
            _socket.SendTo([what], SocketFlags.None, address);
        }
        catch (SocketException)
        {
            // It is gone, or has so many rings to hear that it will look anyway.
        }
    }

    /// <summary>Forgets who is not there any more. Not thread-safe.</summary>
    public void ForgetAddresses() => _addresses.Clear();

    /// <summary>Stops listening, and does not wait for a ring that is being heard.</summary>
    public void Close() => _socket?.Dispose();

    public async ValueTask DisposeAsync()
    {
        Close();
        await _listening.ConfigureAwait(false);
    }

    private static Socket? TryBind(string path)
    {
        var socket = default(Socket);
        try
        {
            socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Blocking = false; // a peer that does not listen must not hold up the writer
            return socket;
        }
        catch (SocketException)
        {
            // Windows has no datagrams of this kind.
            socket?.Dispose();
            return null;
        }
    }

    private async Task ListenAsync(Socket socket)
    {
        var buffer = new byte[1];
        try
        {
            while (true)
            {
                if (await socket.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false) > 0)
                    _onRing(buffer[0]);
            }
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            // Closed: this process leaves.
        }
    }
}
