using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Text;

namespace Runnel.Cli.Sockets;

/// <summary>Opens WebSockets: connects, encrypts where the address says so, and shakes hands.</summary>
/// <param name="target">Where they lead.</param>
/// <param name="handshake">What is asked.</param>
/// <param name="isInsecure">Whether any certificate of the server's will do.</param>
/// <param name="timeout">The longest that it takes.</param>
/// <param name="clock">The time.</param>
internal sealed class Dialer(Target target, Handshake handshake, bool isInsecure, TimeSpan timeout, TimeProvider clock)
{
    private static readonly WebSocketCreationOptions Client = new() { KeepAliveInterval = TimeSpan.Zero }; // no timer: a server that is gone is noticed by what it owes

    private readonly SourceAddresses _sources = SourceAddresses.OfThisMachine();
    private IPAddress[] _addresses = [];

    /// <summary>Looks up where the host is. Once, before the first connection.</summary>
    /// <exception cref="IOException">Nobody knows the host.</exception>
    public async Task ResolveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var found = await Dns.GetHostAddressesAsync(target.Host, cancellationToken);
            _addresses = [.. found.OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)]; // many servers of a developer's machine listen there only
        }
        catch (SocketException exception)
        {
            throw new IOException($"The host '{target.Host}' is not known: {exception.Message}", exception);
        }
        if (_addresses.Length == 0)
            throw new IOException($"The host '{target.Host}' has no address.");
    }

    /// <summary>Opens a WebSocket.</summary>
    /// <param name="index">The connection's number, which may decide where it comes from.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">It cannot be opened.</exception>
    public async Task<MessageSocket> OpenAsync(int index, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var stream = await ConnectAsync(index, either.Token);
            try
            {
                var rest = await ShakeHandsAsync(stream, either.Token);
                return new MessageSocket(WebSocket.CreateFromStream(rest.Length == 0 ? stream : new BegunStream(stream, rest), Client));
            }
            catch
            {
                await stream.DisposeAsync();
                throw;
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new FaultException(FaultKind.TimedOut, "handshake", $"A handshake took longer than {timeout.TotalSeconds} s.");
        }
        catch (AuthenticationException exception)
        {
            throw new FaultException(
                FaultKind.Unreachable, "tls", $"TLS failed: {exception.Message} If the server does not encrypt, write ws://. If nobody vouches for its certificate, and that is all right, add --insecure.");
        }
        catch (SocketException exception)
        {
            throw new FaultException(FaultKind.Unreachable, exception.SocketErrorCode.ToString(), exception.SocketErrorCode == SocketError.AddressAlreadyInUse || exception.SocketErrorCode == SocketError.AddressNotAvailable
                ? "This machine has no port left for another connection to the server. Raise net.ipv4.ip_local_port_range, or start the rest on another machine."
                : exception.Message);
        }
        catch (IOException exception)
        {
            throw FaultException.BrokenOff(exception.Message);
        }
    }

    private async Task<Stream> ConnectAsync(int index, CancellationToken cancellationToken)
    {
        for (var i = 0; ; i++)
        {
            var socket = new Socket(_addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                if (_sources.Of(index, _addresses[i]) is { } source)
                    socket.Bind(new IPEndPoint(source, 0));
                await socket.ConnectAsync(new IPEndPoint(_addresses[i], target.Port), cancellationToken);
                var stream = new NetworkStream(socket, ownsSocket: true);
                return target.IsEncrypted ? await EncryptAsync(stream, cancellationToken) : stream;
            }
            catch (SocketException) when (i + 1 < _addresses.Length)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    private async Task<Stream> EncryptAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var encrypted = new SslStream(stream);
        try
        {
            await encrypted.AuthenticateAsClientAsync(Insecure.OptionsFor(target.Host, isInsecure), cancellationToken);
            return encrypted;
        }
        catch
        {
            await encrypted.DisposeAsync();
            throw;
        }
    }

    // Returns what came behind the answer: the server may speak at once.
    private async Task<byte[]> ShakeHandsAsync(Stream stream, CancellationToken cancellationToken)
    {
        var key = Handshake.NewKey();
        await stream.WriteAsync(handshake.Request(key), cancellationToken);
        var buffer = new byte[1024];
        for (var length = 0; ;)
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, length < Handshake.LongestAnswer ? length * 2 : throw FaultException.Protocol("The head of the server's answer to the handshake does not end."));
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0)
                throw FaultException.BrokenOff("the server hung up during the handshake.");
            length += read;
            var end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end < 0)
                continue;
            handshake.Check(Encoding.ASCII.GetString(buffer, 0, end), key);
            return buffer[(end + 4)..length];
        }
    }
}
