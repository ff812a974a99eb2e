using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Runnel.RabbitMQ.Connections;

/// <summary>A connection to the broker that is made anew whenever it is lost, for ever, and is there only when what belongs to it has been restored.</summary>
/// <param name="broker">The broker.</param>
/// <param name="purpose">What it is for, as the broker's operator sees it.</param>
/// <param name="restore">
/// Declares, binds and consumes what has to be there before anybody uses the connection; called for each new one. When it throws, the connection is closed, and another one is made.
/// </param>
internal sealed class RabbitLink(RabbitMQBroker broker, string purpose, Func<IConnection, CancellationToken, Task>? restore = null) : IAsyncDisposable
{
    /// <summary>How long a broker may take to answer a goodbye. Then the socket is closed without it: an application that ends does not wait for a broker that is silent.</summary>
    public static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1), Look = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _opening = new(1);
    private TaskCompletionSource<IConnection> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IConnection? _current;
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource? _unblocked;
    private Exception? _failure;

    /// <summary>Raised with <see langword="true"/> when a connection is there and restored, and with <see langword="false"/> when it is lost. A handler must not block.</summary>
    public event Action<bool>? Changed;

    /// <summary>The connection, when there is one that can be used.</summary>
    public IConnection? Current => Volatile.Read(ref _current) is { IsOpen: true } open ? open : null;

    /// <summary>Why there is none, if that is known.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Ends when the broker takes messages again; it has ended already while the broker takes them.</summary>
    public Task Unblocked => Volatile.Read(ref _unblocked)?.Task ?? Task.CompletedTask;

    /// <summary>Makes the first connection. From then on the link keeps itself up.</summary>
    /// <exception cref="RabbitUnavailableException">It did not work; the message says why, and what to do.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
            if (!_running.IsCompleted)
                return;
            var first = await ConnectAsync(cancellationToken).ConfigureAwait(false);
            _running = Task.Run(() => RunAsync(first), CancellationToken.None);
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Makes the first connection in the background, and tries until it is there. It may be called again.</summary>
    public void Begin()
    {
        if (!_running.IsCompleted || !_opening.Wait(0))
            return;
        try
        {
            if (_running.IsCompleted && !_stopping.IsCancellationRequested)
                _running = Task.Run(() => RunAsync(null), CancellationToken.None);
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>The connection, made or waited for if need be.</summary>
    /// <exception cref="RabbitUnavailableException">The broker was away for as long as <see cref="RabbitMQOptions.OutageTimeout"/>.</exception>
    /// <exception cref="ObjectDisposedException">The link has ended.</exception>
    public async ValueTask<IConnection> GetAsync(CancellationToken cancellationToken)
    {
        if (Current is { } current)
            return current;
        Begin();
        for (var began = TimeProvider.System.GetTimestamp(); ;)
        {
            ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
            var left = broker.Options.OutageTimeout - TimeProvider.System.GetElapsedTime(began);
            try
            {
                var next = await Volatile.Read(ref _next).Task.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
                if (next.IsOpen)
                    return next;
            }
            catch (TimeoutException exception)
            {
                throw broker.Away(Failure ?? exception);
            }
            // It is closed, and the loop that keeps the link up is about to learn that.
            await Task.Delay(Look, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Breaks a connection, also one that is still being restored; another one is made.</summary>
    public static void Break(IConnection connection, string reason) => _ = CloseAsync(connection, reason);

    /// <summary>Closes a connection, if there is one, and waits no longer for the broker's answer than for any <see cref="Goodbye"/>.</summary>
    public static async Task CloseAsync(IConnection? connection, string reason)
    {
        if (connection is null)
            return;
        try
        {
            await connection.CloseAsync(200, reason, Goodbye, abort: true, CancellationToken.None).WaitAsync(Goodbye * 2).ConfigureAwait(false);
            await connection.DisposeAsync().AsTask().WaitAsync(Goodbye).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // It is lost, one way or the other.
        }
    }

    /// <summary>Closes a channel, and waits no longer for the broker's answer than for any <see cref="Goodbye"/>.</summary>
    public static async Task CloseAsync(IChannel channel)
    {
        try
        {
            await channel.CloseAsync(200, "The application ends.", abort: true, CancellationToken.None).WaitAsync(Goodbye).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // It is closed, one way or the other.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        Volatile.Read(ref _next).TrySetException(new ObjectDisposedException(nameof(RabbitLink)));
        _ = Volatile.Read(ref _next).Task.Exception; // perhaps nobody waits for it
        await _running.ConfigureAwait(false);
    }

    private async Task RunAsync(IConnection? connection)
    {
        for (var isFirst = connection is null; !_stopping.IsCancellationRequested; isFirst = false)
        {
            if (connection is not null)
                await UseAsync(connection).ConfigureAwait(false);
            connection = await ConnectAgainAsync(isFirst).ConfigureAwait(false);
        }
        await CloseAsync(connection, "The application ends.").ConfigureAwait(false);
        broker.Outage.Over(this);
    }

    private async Task UseAsync(IConnection connection)
    {
        var lost = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        // The client raises it when its consumers have been handed all that had arrived: nothing of this connection comes behind its loss.
        connection.ConnectionShutdownAsync += (_, reason) =>
        {
            lost.TrySetResult(ExplainEnd(reason));
            return Task.CompletedTask;
        };
        if (connection.CloseReason is { } already) // before anybody listened
            lost.TrySetResult(ExplainEnd(already));
        Volatile.Write(ref _failure, null);
        Volatile.Write(ref _current, connection);
        Volatile.Read(ref _next).TrySetResult(connection);
        broker.Outage.Over(this);
        Tell(true);

        string? why = null;
        try
        {
            why = await lost.Task.WaitAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
        Volatile.Write(ref _next, new TaskCompletionSource<IConnection>(TaskCreationOptions.RunContinuationsAsynchronously));
        Volatile.Write(ref _current, null);
        _ = Unblock();
        if (why is not null)
            broker.Outage.Lost(this, why);
        Tell(false);
        await CloseAsync(connection, "The application ends.").ConfigureAwait(false);
    }

    // The first try is at once, by chance a little later, so that many nodes do not come back in the same moment.
    private async Task<IConnection?> ConnectAgainAsync(bool isFirst)
    {
        for (var rest = isFirst ? TimeSpan.Zero : TimeSpan.FromMilliseconds(20 + Random.Shared.Next(180)); ; rest = Rest * (0.75 + (Random.Shared.NextDouble() / 2)))
        {
            try
            {
                await Task.Delay(rest, TimeProvider.System, _stopping.Token).ConfigureAwait(false);
                return await ConnectAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception exception)
            {
                Volatile.Write(ref _failure, exception);
                broker.Outage.Lost(this, broker.Dialer.Explain(exception));
            }
        }
    }

    private async Task<IConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = await broker.Dialer.ConnectAsync($"{broker.Options.Prefix} {purpose}", cancellationToken).ConfigureAwait(false);
        connection.ConnectionBlockedAsync += (_, blocked) => Block(blocked);
        connection.ConnectionUnblockedAsync += (_, _) => Unblock();
        if (restore is null)
            return connection;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(broker.Options.Timeout * 3); // many bindings may have to be restored
        try
        {
            await restore(connection, limit.Token).ConfigureAwait(false);
            return connection;
        }
        catch (Exception exception)
        {
            await CloseAsync(connection, "It could not be restored.").ConfigureAwait(false);
            if (cancellationToken.IsCancellationRequested)
                throw;
            throw new RabbitUnavailableException(broker.Dialer.Explain(exception), exception);
        }
    }

    private string ExplainEnd(ShutdownEventArgs reason) => reason.Initiator switch
    {
        ShutdownInitiator.Peer => broker.Dialer.Explain(reason.ReplyCode, reason.ReplyText),
        _ when reason.Exception is { } cause => $"the connection is lost: {cause.Message}",
        _ => $"the connection is lost: {reason.ReplyText}",
    };

    private Task Block(ConnectionBlockedEventArgs blocked)
    {
        if (Interlocked.CompareExchange(ref _unblocked, new(TaskCreationOptions.RunContinuationsAsynchronously), null) is null)
            Log.Blocked(broker.Logger, broker.Dialer.Address.ToString(), blocked.Reason);
        return Task.CompletedTask;
    }

    private Task Unblock()
    {
        if (Interlocked.Exchange(ref _unblocked, null) is { } blocked)
        {
            Log.Unblocked(broker.Logger, broker.Dialer.Address.ToString());
            blocked.TrySetResult();
        }
        return Task.CompletedTask;
    }

    private void Tell(bool isThere)
    {
        try
        {
            Changed?.Invoke(isThere);
        }
        catch (Exception exception)
        {
            Log.WatcherFailed(broker.Logger, exception);
        }
    }
}
