using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Runnel.Redis.Resp;

namespace Runnel.Redis.Connections;

/// <summary>Makes connections: to the socket, through TLS, past the password, into the database.</summary>
/// <remarks>
/// Waits on the caller's thread, and so does all that it calls: the thread that keeps a worker's lease must get through when the thread pool is busy
/// with handlers that block. It is rare enough for the others to spend a thread on.
/// </remarks>
internal sealed class RedisDialer(RedisAddress address, string prefix, TimeSpan timeout)
{
    // What the system holds of what was sent looks as if Redis had it: on a slow line no more than a few seconds' worth.
    private const int MostUnsent = 256 * 1024;

    public RedisAddress Address => address;

    /// <summary>One that connects to the same server, and waits for something else.</summary>
    public RedisDialer With(TimeSpan otherTimeout) => new(address, prefix, otherTimeout);

    /// <summary>Connects.</summary>
    /// <param name="greet">What else to say, before the connection is used.</param>
    /// <exception cref="RedisUnavailableException">It did not work, whatever the reason; the message says why, and what to do.</exception>
    public RedisSocket Connect(Action<RedisSocket>? greet = null)
    {
        Stream? stream = null;
        try
        {
            stream = new NetworkStream(ConnectSocket(), ownsSocket: true);
            if (address.IsEncrypted)
                stream = Encrypt(stream);
            var socket = new RedisSocket(stream, timeout);
            Greet(socket);
            greet?.Invoke(socket);
            return socket;
        }
        catch (Exception exception)
        {
            stream?.Dispose();
            throw new RedisUnavailableException(Explain(exception), exception);
        }
    }

    /// <summary>What to do about a failure.</summary>
    public string Explain(Exception failure) => RedisExplanation.Of(failure, address, prefix, timeout);

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
            // The system bounds connecting by this, too. A socket that was ever made non-blocking would wait with the help of the thread pool.
            socket.SendBufferSize = MostUnsent;
            socket.SendTimeout = socket.ReceiveTimeout = (int)timeout.TotalMilliseconds;
            socket.Connect(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private SslStream Encrypt(Stream stream)
    {
        var problem = "";
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = address.Host,
            RemoteCertificateValidationCallback = (_, _, chain, errors) => (problem = Complaint(chain, errors)).Length == 0,
        };
        if (address.AuthorityFile is { } file)
        {
            options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            options.CertificateChainPolicy.CustomTrustStore.Add(ReadAuthority(file));
        }
        var encrypted = new SslStream(stream);
        try
        {
            encrypted.AuthenticateAsClient(options);
            return encrypted;
        }
        catch (AuthenticationException exception) when (problem.Length > 0)
        {
            throw new RedisUnavailableException(problem, exception);
        }
    }

    private string Complaint(X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return $"The certificate of Redis at {address} is for another host. Write the host that it is for into the address.";
        if (errors == SslPolicyErrors.None)
            return "";
        var reasons = string.Join(", ", chain?.ChainStatus.Select(static status => status.StatusInformation.Trim().TrimEnd('.')).Distinct() ?? []);
        return address.AuthorityFile is { } file
            ? $"The certificate of Redis at {address} cannot be trusted by the authority in '{file}' ({reasons}). Is that the one that signed it?"
            : $"The certificate of Redis at {address} cannot be trusted ({reasons}). If an authority of your own signed it, name its file: rediss://host?ca=/path/ca.pem.";
    }

    private static X509Certificate2 ReadAuthority(string file)
    {
        try
        {
            return X509CertificateLoader.LoadCertificateFromFile(file);
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new RedisUnavailableException($"The authority's certificate '{file}' (ca= in the address of Redis) cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    private void Greet(RedisSocket socket)
    {
        if (address.Password is not null || address.User is not null)
            socket.Execute(RespWriter.Encode("HELLO", "3", "AUTH", address.User ?? "default", address.Password ?? ""));
        else
            socket.Execute(RespWriter.Encode("HELLO", "3"));
        if (address.Database > 0)
            socket.Execute(RespWriter.Encode("SELECT", $"{address.Database}"));
    }
}
