using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Runnel.Redis;

/// <summary>Makes connections: to the socket, through TLS, past the password, into the database.</summary>
/// <remarks>
/// Waits on the caller's thread, and so does all that it calls: the thread that keeps a worker's lease must get through when the thread pool is busy
/// with handlers that block. It is rare enough for the others to spend a thread on.
/// </remarks>
internal sealed class RedisDialer(RedisAddress address, TimeSpan timeout)
{
    public RedisAddress Address => address;

    /// <summary>How long Redis may take to answer.</summary>
    public TimeSpan Timeout => timeout;

    /// <summary>Connects.</summary>
    /// <param name="greet">What to say on the connection before anything else.</param>
    /// <exception cref="RedisUnavailableException">It did not work; the message says why, and what to do.</exception>
    public RedisSocket Connect(Action<RedisSocket>? greet = null)
    {
        Stream? stream = null;
        try
        {
            stream = new NetworkStream(ConnectSocket(), ownsSocket: true);
            if (address.IsEncrypted)
                stream = Encrypt(stream);
            var socket = new RedisSocket(stream);
            Greet(socket);
            greet?.Invoke(socket);
            return socket;
        }
        catch (Exception exception) when (exception is IOException or SocketException or FormatException or AuthenticationException)
        {
            stream?.Dispose();
            throw new RedisUnavailableException(Explain(exception), exception);
        }
    }

    private Socket ConnectSocket()
    {
        if (address.SocketPath is { } path)
            return Connect(new UnixDomainSocketEndPoint(path));
        SocketException? failure = null;
        foreach (var ip in Dns.GetHostAddresses(address.Host))
        {
            try
            {
                return Connect(new IPEndPoint(ip, address.Port));
            }
            catch (SocketException exception)
            {
                failure = exception;
            }
        }
        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    private Socket Connect(EndPoint endPoint)
    {
        var socket = endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            ConnectWithin(socket, endPoint);
            socket.SendTimeout = socket.ReceiveTimeout = (int)timeout.TotalMilliseconds;
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // Connecting on one's own thread has no limit but the system's, which is minutes.
    private void ConnectWithin(Socket socket, EndPoint endPoint)
    {
        if (endPoint is UnixDomainSocketEndPoint)
        {
            socket.Connect(endPoint);
            return;
        }
        socket.Blocking = false;
        try
        {
            socket.Connect(endPoint);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            if (!socket.Poll(timeout, SelectMode.SelectWrite))
                throw new SocketException((int)SocketError.TimedOut);
            if (socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int error and not 0)
                throw new SocketException(error);
        }
        socket.Blocking = true;
    }

    private SslStream Encrypt(Stream stream)
    {
        var encrypted = new SslStream(stream);
        var options = new SslClientAuthenticationOptions { TargetHost = address.Host };
        if (address.AuthorityFile is { } file)
        {
            options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            options.CertificateChainPolicy.CustomTrustStore.Add(ReadAuthority(file));
        }
        encrypted.AuthenticateAsClient(options);
        return encrypted;
    }

    private static X509Certificate2 ReadAuthority(string file)
    {
        try
        {
            return X509CertificateLoader.LoadCertificateFromFile(file);
        }
        catch (System.Security.Cryptography.CryptographicException exception)
        {
            throw new AuthenticationException($"the authority's certificate '{file}' cannot be read ({exception.Message})", exception);
        }
    }

    private void Greet(RedisSocket socket)
    {
        if (address.Password is { } password)
            socket.Execute(RespWriter.Encode("HELLO", "3", "AUTH", address.User ?? "default", password));
        else
            socket.Execute(RespWriter.Encode("HELLO", "3"));
        if (address.Database > 0)
            socket.Execute(RespWriter.Encode("SELECT", $"{address.Database}"));
    }

    /// <summary>What is wrong, and what to do, in a sentence.</summary>
    public string Explain(Exception exception) => exception switch
    {
        RedisErrorException { Code: "WRONGPASS" } =>
            $"Redis at {address} refuses the user '{address.User ?? "default"}' or the password. Correct them in the address: redis://user:password@host.",
        RedisErrorException { Code: "NOAUTH" } =>
            $"Redis at {address} wants a password. Write it into the address: redis://:password@host, or redis://user:password@host.",
        RedisErrorException { Code: "NOPERM" } =>
            $"Redis at {address} does not let the user '{address.User ?? "default"}' do what Runnel needs: {exception.Message}. Give it +@all -@dangerous +info and the keys and channels of the prefix.",
        RedisErrorException => $"Redis at {address} refuses the connection. {exception.Message}.",
        AuthenticationException =>
            $"The certificate of Redis at {address} cannot be trusted: {exception.Message} If an authority of your own signed it, name its file: rediss://host?ca=/path/ca.pem.",
        FormatException => $"What answers at {address} is not Redis, or not in the clear: is the port right, and is it one for TLS (rediss://)? {exception.Message}",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
            $"No Redis listens at {address}. Is it running, and is the address right?",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            $"There is no host '{address.Host}' for Redis. Is the address right?",
        SocketException => $"Redis at {address} cannot be reached: {exception.Message}.",
        _ when address.IsEncrypted =>
            $"Redis at {address} does not answer over TLS: {exception.Message}. Is this its port for TLS? Without TLS the address begins with redis://.",
        _ => $"What listens at {address} does not answer as Redis does: {exception.Message}. Is the port right, and is it one for TLS (rediss://)?",
    };
}
