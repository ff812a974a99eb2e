using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Runnel.Bench;

/// <summary>The least that speaks to Redis (RESP2): commands gathered and written together, answers read in turn. One may write while another one reads.</summary>
internal sealed class RespConnection : IDisposable
{
    private const int FirstBuffer = 64 * 1024;
    private const int UsualPort = 6379;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly ArrayBufferWriter<byte> _output = new(FirstBuffer);
    private byte[] _input = new byte[FirstBuffer];
    private int _begin;
    private int _end;

    private RespConnection()
    {
    }

    /// <summary>Connects to a layer's address, <c>redis://[user[:password]@]host[:port][/database]</c>.</summary>
    public static async Task<RespConnection> ConnectAsync(string address, CancellationToken cancellationToken)
    {
        var uri = new Uri(address);
        if (uri.Scheme != "redis" || uri.Host.Length == 0)
            throw new BenchException("The benchmarks' own connections to Redis are plain ones: use redis://HOST:PORT.");
        var connection = new RespConnection();
        try
        {
            await connection._socket.ConnectAsync(uri.Host, uri.Port > 0 ? uri.Port : UsualPort, cancellationToken);
            await connection.EnterAsync(uri, cancellationToken);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A command as it is written.</summary>
    public static byte[] Encode(params IEnumerable<string> words)
    {
        var (text, count) = (new StringBuilder(), 0);
        foreach (var word in words)
        {
            text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
            count++;
        }
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"*{count}\r\n{text}"));
    }

    /// <summary>Puts a command behind those that wait to be written.</summary>
    public void Add(ReadOnlySpan<byte> command) => _output.Write(command);

    /// <summary>Writes what waits.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        for (var written = 0; written < _output.WrittenCount;)
            written += await _socket.SendAsync(_output.WrittenMemory[written..], cancellationToken);
        _output.ResetWrittenCount();
    }

    /// <summary>Writes what waits, on the caller's thread.</summary>
    public void Flush()
    {
        for (var written = 0; written < _output.WrittenCount;)
            written += _socket.Send(_output.WrittenSpan[written..]);
        _output.ResetWrittenCount();
    }

    /// <summary>Reads the next answer.</summary>
    /// <exception cref="BenchException">It is an error.</exception>
    /// <exception cref="IOException">The connection has ended.</exception>
    public async ValueTask<RespReply> ReadAsync(CancellationToken cancellationToken)
    {
        RespReply reply;
        while (!TryTake(out reply))
        {
            if (_begin > 0)
                _input.AsSpan(_begin, _end - _begin).CopyTo(_input);
            (_begin, _end) = (0, _end - _begin);
            if (_end == _input.Length)
                Array.Resize(ref _input, _input.Length * 2);
            var count = await _socket.ReceiveAsync(_input.AsMemory(_end), cancellationToken);
            _end += count > 0 ? count : throw new IOException("Redis closed the connection.");
        }
        return reply;
    }

    /// <summary>Sends one command and reads its answer.</summary>
    public async Task<RespReply> AskAsync(CancellationToken cancellationToken, params IEnumerable<string> words)
    {
        Add(Encode(words));
        await FlushAsync(cancellationToken);
        return await ReadAsync(cancellationToken);
    }

    public void Dispose() => _socket.Dispose();

    private async Task EnterAsync(Uri address, CancellationToken cancellationToken)
    {
        if (address.UserInfo.Split(':', 2) is [var user, var password])
            await AskAsync(cancellationToken, "AUTH", user.Length > 0 ? Uri.UnescapeDataString(user) : "default", Uri.UnescapeDataString(password));
        if (address.AbsolutePath.Length > 1)
            await AskAsync(cancellationToken, "SELECT", address.AbsolutePath[1..]);
    }

    private bool TryTake(out RespReply reply)
    {
        ReadOnlySpan<byte> received = _input.AsSpan(_begin, _end - _begin);
        var length = received.Length;
        if (!RespReply.TryTake(ref received, out reply))
            return false;
        _begin += length - received.Length;
        return true;
    }
}
