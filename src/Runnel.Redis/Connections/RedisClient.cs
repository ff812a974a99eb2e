using Runnel.Redis.Resp;

namespace Runnel.Redis.Connections;

/// <summary>A connection that is always there, or on its way back: reconnects for ever, and keeps commands in a bounded buffer meanwhile.</summary>
/// <remarks>
/// Commands are sent in the order handed in, also across a loss of the connection: those that may be sent twice go out again, before what came
/// meanwhile; the others fail, since nobody knows whether they were done. Thread-safe.
/// </remarks>
internal sealed class RedisClient : IAsyncDisposable
{
    // The transport's own time: a test that moves the clock of the messages must not make answers late.
    private static readonly TimeProvider Clock = TimeProvider.System;
    private static readonly TimeSpan CheckEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private readonly RedisDialer _dialer;
    private readonly RedisOptions _options;
    private readonly RedisOutage _outage;
    private readonly Action<RedisSocket>? _greet;
    private readonly Lock _lock = new();
    private readonly Queue<RedisCommand> _waiting = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly ITimer _checking;
    private RedisConnection? _connection;
    private Task? _running;
    private Backoff _backoff;
    private (string Id, string Address)? _predecessor;
    private long _waitingBytes;
    private long _awaySince;
    private long _connectedSince;
    private volatile bool _isAway;
    private bool _isEnding;

    /// <summary>Creates it; it connects when it is opened, or has the first command.</summary>
    /// <param name="dialer">Makes the connections.</param>
    /// <param name="options">The bounds.</param>
    /// <param name="outage">Where losses are told.</param>
    /// <param name="greet">What to say on every new connection, before anything else.</param>
    public RedisClient(RedisDialer dialer, RedisOptions options, RedisOutage outage, Action<RedisSocket>? greet = null)
    {
        (_dialer, _options, _outage, _greet) = (dialer, options, outage, greet);
        _checking = Clock.CreateTimer(static state => ((RedisClient)state!).Check(), this, CheckEvery, CheckEvery);
        _awaySince = Clock.GetTimestamp();
    }

    /// <summary>Called with each message of a subscription, on the thread that reads.</summary>
    public Action<RespValue>? OnPush { get; init; }

    /// <summary>Called when a connection is there, and when it is lost.</summary>
    public Action<bool>? OnConnectedChanged { get; init; }

    public bool IsConnected => Volatile.Read(ref _connection) is not null;

    /// <summary>Whether it is connected, and has not been waiting for an answer for a while.</summary>
    public bool IsAnswering => Volatile.Read(ref _connection) is { } connection && !connection.IsStuck(Silence, commands: 1, long.MaxValue);

    /// <summary>For how long it has been connected without a break.</summary>
    public TimeSpan ConnectedFor => IsConnected ? Clock.GetElapsedTime(Volatile.Read(ref _connectedSince)) : TimeSpan.Zero;

    /// <summary>Makes the first connection, in one try.</summary>
    /// <exception cref="RedisUnavailableException">It did not work; the message says why.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        var socket = await DialAsync(predecessor: null, cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            if (_running is null && !_isEnding)
            {
                _running = RunAsync(socket);
                return;
            }
        }
        socket.Dispose(); // somebody was faster, or it has ended
    }

    /// <summary>Sends a command, now or when Redis is back.</summary>
    /// <exception cref="RedisErrorException">Redis refused it.</exception>
    /// <exception cref="RedisUnavailableException">Redis is away for too long, or too much waits for it; or it went away before it answered.</exception>
    /// <exception cref="ObjectDisposedException">The client has ended.</exception>
    public Task<RespValue> ExecuteAsync(RedisCommand command)
    {
        if (command.Since == 0)
            command.Since = Clock.GetTimestamp();
        lock (_lock)
        {
            if (_isEnding)
                return Task.FromException<RespValue>(new ObjectDisposedException(nameof(RedisClient)));
            if (!command.IsPatient && _connection?.IsStuck(Silence, _options.OutageBuffer, _options.OutageBufferBytes) == true)
                return Task.FromException<RespValue>(Full($"Redis at {_dialer.Address} does not answer"));
            if (_connection?.TrySend(command) != true)
                Wait(command);
            _running ??= RunAsync(null);
        }
        return command.Task;
    }

    /// <summary>Sends a command that is not sent again.</summary>
    public Task<RespValue> ExecuteAsync(ReadOnlyMemory<byte> command) => ExecuteAsync(new RedisCommand(command));

    /// <summary>Ends the connection as a broken cable would; it comes back. For tests.</summary>
    public void Break() => Volatile.Read(ref _connection)?.Fail(new IOException("broken by a test"));

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_isEnding)
                return;
            _isEnding = true;
        }
        await _ending.CancelAsync().ConfigureAwait(false);
        await _checking.DisposeAsync().ConfigureAwait(false);
        if (_running is not null)
            await _running.ConfigureAwait(false);
        _outage.Forget(this);
        FailWaiting(static _ => true, static () => new ObjectDisposedException(nameof(RedisClient)));
        _ending.Dispose();
    }

    private void Wait(RedisCommand command)
    {
        if (!command.IsPatient && (_waiting.Count >= _options.OutageBuffer || _waitingBytes + command.Bytes.Length > _options.OutageBufferBytes))
        {
            command.SetException(Full(Away()));
            return;
        }
        Keep(command);
    }

    private void Keep(RedisCommand command)
    {
        _waitingBytes += command.Bytes.Length;
        _waiting.Enqueue(command);
    }

    private RedisUnavailableException Full(string reason) =>
        new($"{reason}; what is sent meanwhile waits in a buffer for {_options.OutageBuffer} commands of together {_options.OutageBufferBytes} bytes (OutageBuffer, OutageBufferBytes), and that is full");

    private string Away() => $"Redis at {_dialer.Address} has been away for {Clock.GetElapsedTime(_awaySince).TotalSeconds:0.0} s";

    private async Task RunAsync(RedisSocket? first)
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                var socket = first ?? await RedialAsync().ConfigureAwait(false);
                (first, _predecessor) = (null, socket.Name);
                var connection = new RedisConnection(socket, Clock, OnPush);
                await using (connection.ConfigureAwait(false))
                {
                    Begin(connection);
                    Lose(await connection.Over.Task.WaitAsync(_ending.Token).ConfigureAwait(false));
                }
                // One that is made and lost at once, by a server that refuses everything, must not become a storm.
                if (Clock.GetElapsedTime(_connectedSince) < Stable)
                    await Task.Delay(_backoff.Next(), Clock, _ending.Token).ConfigureAwait(false);
                else
                    _backoff.Reset();
            }
        }
        catch (OperationCanceledException)
        {
            // The client ends.
        }
        RedisConnection? last;
        lock (_lock)
            (last, _connection) = (_connection, null);
        if (last is null)
            return;
        var left = await last.Over.Task.ConfigureAwait(false);
        foreach (var command in left.Refused.Concat(left.Unanswered))
            command.TrySetException(new ObjectDisposedException(nameof(RedisClient)));
    }

    private async Task<RedisSocket> RedialAsync()
    {
        while (true)
        {
            try
            {
                return await DialAsync(_predecessor, _ending.Token).ConfigureAwait(false);
            }
            catch (IOException exception)
            {
                _outage.Failed(this, exception.Message);
                _isAway = true;
                await Task.Delay(_backoff.Next(), Clock, _ending.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task<RedisSocket> DialAsync((string Id, string Address)? predecessor, CancellationToken cancellationToken)
    {
        var dialing = Task.Factory.StartNew(() => _dialer.Connect(socket => Greet(socket, predecessor)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            return await dialing.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = dialing.ContinueWith(static late => late.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    // What was given up here may still be on its way to Redis, and must not be done after what repeats it.
    private void Greet(RedisSocket socket, (string Id, string Address)? predecessor)
    {
        // The first one has none, and asks all the same: a user who may not do that is told now, and not after the first outage.
        var (id, address) = predecessor ?? ("1", "nobody");
        socket.Execute(RespWriter.Encode("CLIENT", "KILL", "ID", id, "ADDR", address));
        socket.AskName();
        _greet?.Invoke(socket);
    }

    private void Begin(RedisConnection connection)
    {
        lock (_lock)
        {
            while (_waiting.TryPeek(out var command) && connection.TrySend(command))
            {
                _waiting.Dequeue();
                _waitingBytes -= command.Bytes.Length;
            }
            _connectedSince = Clock.GetTimestamp();
            Volatile.Write(ref _connection, connection);
        }
        OnConnectedChanged?.Invoke(true);
    }

    private void Lose(ConnectionEnd end)
    {
        _outage.Lost(this, _connectedSince, end.Reason.Message);
        _isAway = true;
        // One that was given up is not sent again: its caller was told that nobody knows what became of it.
        var (again, lost) = (end.Unanswered.Where(static command => command.IsRepeatable && command.IsAwaited).ToList(), end.Unanswered.Where(static command => !command.IsRepeatable));
        foreach (var command in again)
            command.MarkRepeated();
        lock (_lock)
        {
            Volatile.Write(ref _connection, null);
            _awaySince = Clock.GetTimestamp();
            var later = _waiting.ToArray();
            _waiting.Clear();
            _waitingBytes = 0;
            foreach (var command in end.Refused.Concat(again).Concat(later))
                Keep(command);
        }
        foreach (var command in lost)
            command.TrySetException(new RedisUnavailableException($"The connection to Redis at {_dialer.Address} was lost before it answered; whether it did what it was asked is not known ({end.Reason.Message})", end.Reason));
        OnConnectedChanged?.Invoke(false);
    }

    private void Check()
    {
        if (Volatile.Read(ref _connection) is { } connection)
        {
            connection.Check(_options.Timeout);
            if (connection.IsStuck(Silence, commands: 1, long.MaxValue))
                GiveUp(connection.Unanswered);
            TellBack();
            return;
        }
        FailWaiting(
            IsOverdue,
            () => new RedisUnavailableException($"{Away()}, and what is sent meanwhile waits no longer than {_options.OutageTimeout.TotalSeconds} s (OutageTimeout)"));
    }

    // One limit for a call, whether Redis is silent, away, or first the one and then the other.
    private bool IsOverdue(RedisCommand command) => !command.IsPatient && Clock.GetElapsedTime(command.Since) >= _options.OutageTimeout;

    // Their answers may still come: their places are kept for them.
    private void GiveUp(RedisCommand[] unanswered)
    {
        foreach (var command in unanswered.Where(IsOverdue))
            command.TrySetException(new RedisUnavailableException($"Redis at {_dialer.Address} has not answered for {_options.OutageTimeout.TotalSeconds} s (OutageTimeout); whether it did what it was asked is not known"));
    }

    // Not before it has stayed for a while: a server that takes connections and refuses everything on them is not back.
    private void TellBack()
    {
        if (!_isAway || ConnectedFor < Stable)
            return;
        _isAway = false;
        _outage.Over(this, Volatile.Read(ref _connectedSince));
    }

    private void FailWaiting(Func<RedisCommand, bool> isOver, Func<Exception> failure)
    {
        List<RedisCommand> over = [];
        lock (_lock)
        {
            for (var left = _waiting.Count; left > 0; left--)
            {
                var command = _waiting.Dequeue();
                if (isOver(command))
                    over.Add(command);
                else
                    _waiting.Enqueue(command);
            }
            _waitingBytes -= over.Sum(command => (long)command.Bytes.Length);
        }
        foreach (var command in over)
            command.TrySetException(failure());
    }
}
