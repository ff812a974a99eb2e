using System.IO.Pipelines;
using Runnel.Redis.Resp;

namespace Runnel.Redis.Connections;

/// <summary>One live connection: commands go out as they come, many at a time, and the answers come back in the same order.</summary>
/// <remarks>
/// Whoever finds nobody sending sends, what others hand in meanwhile goes along with the next write: so the busier it is, the fewer system calls
/// a command costs. When Redis refuses something for now, such as for want of a script, nothing more is sent; what has been is answered, and then the
/// connection ends, so that the order is kept. A connection that is over says so once, with the commands that are not done. An answer that is still
/// arriving, or a command that is still being sent, takes as long as the line needs: a connection counts as dead only when nothing moves on it.
/// </remarks>
internal sealed class RedisConnection : IAsyncDisposable
{
    private const int KeptBuffer = 256 * 1024;
    private const int Piece = 64 * 1024;

    private static readonly ReadOnlyMemory<byte> Ping = RespWriter.Encode("PING");

    private readonly Stream _stream;
    private readonly TimeProvider _timeProvider;
    private readonly Action<RespValue>? _onPush;
    private readonly Lock _lock = new();
    private readonly Queue<RedisCommand> _unanswered = new();
    private readonly List<RedisCommand> _refused = [];
    private readonly Task _reading;
    private MemoryStream _filling = new();
    private MemoryStream _sending = new();
    private long _lastSent;
    private long _silentSince;
    private long _unansweredBytes;
    private long _handedIn;
    private long _written;
    private bool _isSending;
    private Exception? _failure;

    public RedisConnection(RedisSocket socket, TimeProvider timeProvider, Action<RespValue>? onPush)
    {
        _stream = socket.Stream;
        _timeProvider = timeProvider;
        _onPush = onPush;
        _lastSent = timeProvider.GetTimestamp();
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>Completes when the connection is over.</summary>
    public TaskCompletionSource<ConnectionEnd> Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Sends a command; <see langword="false"/> when the connection is over.</summary>
    public bool TrySend(RedisCommand command)
    {
        lock (_lock)
        {
            if (_failure is not null || _refused.Count > 0)
                return false;
            _lastSent = _timeProvider.GetTimestamp();
            if (_unanswered.Count == 0)
                _silentSince = _lastSent;
            _unanswered.Enqueue(command);
            _unansweredBytes += command.Bytes.Length;
            command.End = _handedIn += command.Bytes.Length;
            _filling.Write(command.Bytes.Span);
            if (_isSending)
                return true;
            _isSending = true;
        }
        _ = SendAsync();
        return true;
    }

    /// <summary>Whether Redis has been silent for longer than this, and that much waits for its answer. Without a lock: it may be asked before every command.</summary>
    public bool IsStuck(TimeSpan silence, int commands, long bytes) =>
        (_unanswered.Count >= commands || Volatile.Read(ref _unansweredBytes) >= bytes)
        && _timeProvider.GetElapsedTime(Volatile.Read(ref _silentSince)) >= silence;

    /// <summary>Ends the connection if an answer is awaited and nothing has moved for too long: it leads nowhere any more. One that has long been unused is asked something.</summary>
    public void Check(TimeSpan timeout)
    {
        bool isIdle;
        lock (_lock)
        {
            isIdle = !_unanswered.TryPeek(out var oldest);
            if (_timeProvider.GetElapsedTime(isIdle ? _lastSent : _silentSince) < timeout + (oldest?.Wait ?? TimeSpan.Zero))
                return;
        }
        if (isIdle)
            TrySend(new RedisCommand(Ping));
        else
            Fail(new TimeoutException($"Redis did not answer within {timeout.TotalSeconds} s"));
    }

    /// <summary>Those that have no answer yet, oldest first.</summary>
    public RedisCommand[] Unanswered
    {
        get
        {
            lock (_lock)
                return [.. _unanswered];
        }
    }

    /// <summary>Ends the connection; what has no answer gets none.</summary>
    public void Fail(Exception reason)
    {
        lock (_lock)
        {
            if (_failure is not null)
                return;
            _failure = reason;
        }
        _stream.Dispose(); // and with that reading ends, which tells
    }

    public async ValueTask DisposeAsync()
    {
        Fail(new ObjectDisposedException(nameof(RedisConnection)));
        await _reading.ConfigureAwait(false);
    }

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                lock (_lock)
                {
                    _sending.SetLength(0);
                    if (_sending.Capacity > KeptBuffer)
                        _sending.Capacity = 0;
                    (_filling, _sending) = (_sending, _filling);
                    _isSending = _sending.Length > 0;
                    if (!_isSending)
                        return;
                }
                await WriteAsync(_sending.GetBuffer().AsMemory(0, (int)_sending.Length)).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        for (; bytes.Length > Piece; bytes = bytes[Piece..])
        {
            await _stream.WriteAsync(bytes[..Piece]).ConfigureAwait(false);
            NoteProgress();
            _written += Piece;
        }
        await _stream.WriteAsync(bytes).ConfigureAwait(false);
        _written += bytes.Length;
    }

    // Redis cannot answer what it does not have all of yet; what is sent behind that says nothing of whether it answers.
    private void NoteProgress()
    {
        lock (_lock)
        {
            if (_unanswered.TryPeek(out var oldest) && oldest.End > _written)
                _silentSince = _timeProvider.GetTimestamp();
        }
    }

    private async Task ReadAsync()
    {
        var reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync().ConfigureAwait(false);
                Volatile.Write(ref _silentSince, _timeProvider.GetTimestamp());
                var received = result.Buffer;
                while (RespReader.TryRead(ref received, out var value))
                    Take(value);
                reader.AdvanceTo(received.Start, received.End);
                if (result.IsCompleted)
                    throw new IOException("the server closed the connection");
            }
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
        await reader.CompleteAsync().ConfigureAwait(false);
        lock (_lock)
            Over.SetResult(new ConnectionEnd(_failure!, _refused, [.. _unanswered]));
    }

    private void Take(RespValue value)
    {
        if (value.Kind == RespKind.Push && !IsConfirmation(value))
        {
            _onPush?.Invoke(value);
            return;
        }
        var error = value.Kind == RespKind.Error ? new RedisErrorException(value.ToString()) : null;
        if (NextAnswered(error) is { } command)
        {
            if (error is not null)
            {
                command.TrySetException(error);
            }
            else
            {
                command.OnAnswered?.Invoke();
                command.TrySetResult(value);
            }
        }
        if (_refused.Count > 0 && _unanswered.Count == 0)
            throw error ?? new IOException("Redis refused something for now");
    }

    // The command that has its answer now; none if that is not all of it, or is for another connection to get.
    private RedisCommand? NextAnswered(RedisErrorException? error)
    {
        lock (_lock)
        {
            if (!_unanswered.TryPeek(out var command))
                throw new FormatException("Redis answered what nobody had asked.");
            if (error is null && ++command.Answered < command.Answers)
                return null;
            _unanswered.Dequeue();
            _unansweredBytes -= command.Bytes.Length;
            if (error is not { IsPassing: true })
                return command;
            _refused.Add(command);
            return null;
        }
    }

    private static bool IsConfirmation(RespValue push) =>
        push.Items[0].Bytes is var kind && (kind.AsSpan().SequenceEqual("subscribe"u8) || kind.AsSpan().SequenceEqual("unsubscribe"u8));
}
