using Runnel.Nodes;

namespace Runnel.Consumers;

/// <summary>How a session ends: its connection is over, or goes to another worker.</summary>
internal sealed partial class ConsumerSession
{
    private static readonly TimeSpan DisconnectLimit = TimeSpan.FromSeconds(30);

    private bool _released;
    private bool _isAtRest; // and nobody has said yet whether another worker gets the connection

    /// <summary>The consumer loses its connection to another worker: after the event at hand it is disposed of, and not told.</summary>
    public async Task ReleaseAsync()
    {
        if (await TryRestAsync())
            await LeaveAsync();
    }

    /// <summary>The consumer handles nothing more after the event at hand. Then another worker gets the connection (<see cref="LeaveAsync"/>), or it ends.</summary>
    /// <returns><see langword="false"/> if the connection ends already.</returns>
    public async Task<bool> TryRestAsync()
    {
        Task turn;
        lock (this)
        {
            _released = true;
            if (_turn.IsEnding)
                return false; // the end disposes of it
            turn = _turn.TakeForReleaseAsync();
        }
        await turn;
        if (_consumer is not null)
            await _consumer.OnRestAsync();
        lock (this)
            _isAtRest = true;
        return true;
    }

    /// <summary>Another worker gets the connection: the consumer, which is at rest, is disposed of.</summary>
    public async Task LeaveAsync()
    {
        lock (this)
        {
            if (!_isAtRest)
                return; // it has ended
            _isAtRest = false;
        }
        if (_consumer is not null)
            await _consumer.OnReleaseAsync();
        try
        {
            await DisposeConsumerAsync();
        }
        catch (Exception exception)
        {
            Log.DisposeFailed(Host.Node.Logger, exception, _descriptor.Name, Connection.Number);
        }
    }

    public Task DisconnectAsync(int code, bool wasAccepted = true) => DisconnectAsync(code, wasAccepted, isRedelivered: false);

    /// <inheritdoc cref="IConsumerSession.DisconnectAsync"/>
    /// <param name="code">The code the connection was closed with.</param>
    /// <param name="wasAccepted">Whether it ever was.</param>
    /// <param name="isRedelivered">Whether another worker may have told its consumer.</param>
    public async Task DisconnectAsync(int code, bool wasAccepted, bool isRedelivered)
    {
        // In this order: what is sent to a connection that is not counted any more must not reach it.
        Context.Membership.End();
        if (Connection.IsOfThisNode)
            Host.Connections.Remove(Connection);
        Task turn;
        lock (this)
        {
            if (_turn.IsEnding && !_isAtRest)
                return; // the connection is another worker's, which tells its consumer
            turn = _isAtRest ? Task.CompletedTask : _turn.TakeForEndAsync();
            if (_isAtRest)
                _isAtRest = _released = false; // no other worker gets it
        }
        await turn;
        Connection.IsRedelivered = isRedelivered;
        try
        {
            try
            {
                if (_consumer is not null && wasAccepted && !_released)
                    await TellOfEndAsync(_consumer, code);
            }
            finally
            {
                await DisposeConsumerAsync();
            }
        }
        catch (Exception exception)
        {
            Log.DisconnectFailed(Host.Node.Logger, exception, _descriptor.Name, Connection.Number);
        }
    }

    private async Task DisposeConsumerAsync()
    {
        try
        {
            if (_consumer is IAsyncDisposable asynchronously)
                await asynchronously.DisposeAsync();
            else if (_consumer is IDisposable disposable)
                disposable.Dispose();
        }
        finally
        {
            if (_services is { } services)
                await services.DisposeAsync();
        }
    }

    private async Task TellOfEndAsync(WebSocketConsumer consumer, int code)
    {
        using var limit = new CancellationTokenSource(DisconnectLimit, Host.Node.TimeProvider);
        Context.BeginEvent();
        try
        {
            await consumer.OnDisconnectAsync(code, limit.Token);
        }
        finally
        {
            await EndEventAsync();
        }
    }
}
