using System.Buffers;
using System.Net.Sockets;
using Runnel.Redis.Resp;

namespace Runnel.Redis.Connections;

/// <summary>A connection on which its owner's thread waits for each answer: for handshakes, and for a thread that must not depend on others.</summary>
internal sealed class RedisSocket(Stream stream, TimeSpan timeout) : IDisposable
{
    private TimeSpan _timeout = timeout;
    private byte[] _received = new byte[4096];
    private int _length;

    /// <summary>What everything goes over; whoever takes it over uses the socket no more.</summary>
    public Stream Stream { get; } = stream;

    /// <summary>What Redis knows the connection by; <see langword="null"/> if nobody asked.</summary>
    public (string Id, string Address)? Name { get; private set; }

    /// <summary>Asks Redis what it knows the connection by.</summary>
    public void AskName()
    {
        var facts = Execute(RespWriter.Encode("CLIENT", "INFO")).ToString().Split(' ').Select(static fact => fact.Split('=', 2)).ToLookup(static fact => fact[0], static fact => fact[^1]);
        Name = (facts["id"].First(), facts["addr"].First());
    }

    /// <summary>How long an answer may take.</summary>
    public TimeSpan Timeout
    {
        get => _timeout;
        set
        {
            _timeout = value;
            Stream.WriteTimeout = (int)value.TotalMilliseconds;
        }
    }

    /// <summary>Sends a command and waits for its answer, no longer than the timeout.</summary>
    /// <exception cref="RedisErrorException">Redis refused it.</exception>
    /// <exception cref="IOException">The connection broke, or the answer took too long.</exception>
    /// <exception cref="FormatException">This is not Redis.</exception>
    public RespValue Execute(ReadOnlyMemory<byte> command)
    {
        Stream.Write(command.Span);
        var began = TimeProvider.System.GetTimestamp();
        RespValue answer;
        do
        {
            answer = Read(began);
        }
        while (answer.Kind == RespKind.Push);
        return answer.Kind == RespKind.Error ? throw new RedisErrorException(answer.ToString()) : answer;
    }

    public void Dispose() => Stream.Dispose();

    private RespValue Read(long began)
    {
        while (true)
        {
            var received = new ReadOnlySequence<byte>(_received, 0, _length);
            if (RespReader.TryRead(ref received, out var value))
            {
                var left = received.ToArray();
                left.CopyTo(_received, 0);
                _length = left.Length;
                return value;
            }
            if (_length == _received.Length)
                Array.Resize(ref _received, _length * 2);
            LimitReading(began);
            var read = Stream.Read(_received, _length, _received.Length - _length);
            if (read == 0)
                throw new IOException("the server closed the connection");
            _length += read;
        }
    }

    // The stream's own limit begins anew with every byte.
    private void LimitReading(long began)
    {
        var left = (int)(_timeout - TimeProvider.System.GetElapsedTime(began)).TotalMilliseconds;
        if (left <= 0)
            throw new IOException($"Redis did not answer within {_timeout.TotalSeconds} s", new SocketException((int)SocketError.TimedOut));
        Stream.ReadTimeout = left;
    }
}
