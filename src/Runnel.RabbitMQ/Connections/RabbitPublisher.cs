using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Runnel.RabbitMQ.Connections;

/// <summary>Publishes messages in the order in which it is given them, on a channel of its own, and tells what the broker did with each.</summary>
/// <remarks>
/// What it is given while the broker is away, or takes nothing, waits: as many messages and bytes as <see cref="RabbitMQOptions.OutageBuffer"/> and
/// <see cref="RabbitMQOptions.OutageBufferBytes"/> allow, each no longer than <see cref="RabbitMQOptions.OutageTimeout"/>. What was sent when the connection was lost fails:
/// nobody knows whether the broker has it. Thread-safe.
/// </remarks>
internal sealed class RabbitPublisher : IAsyncDisposable
{
    // Enough that the broker is never idle. The client's own bound on what is unconfirmed is not used: ours tells what waits.
    private const int Window = 1_000;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250), Grace = TimeSpan.FromMilliseconds(100);

    private readonly RabbitMQBroker _broker;
    private readonly RabbitLink _link;
    private readonly Lock _lock = new();
    private readonly Queue<PendingPublication> _waiting = new();
    private readonly ITimer _deadlines;
    private IChannel? _channel;
    private Unconfirmed _unconfirmed = new();
    private long _waitingBytes;
    private bool _isSending;
    private bool _isDisposed;

    public RabbitPublisher(RabbitMQBroker broker, RabbitLink link)
    {
        (_broker, _link) = (broker, link);
        _deadlines = TimeProvider.System.CreateTimer(_ => EndOverdue(), null, LookEvery, LookEvery);
    }

    /// <summary>Publishes a message; ends when the broker has answered for it.</summary>
    /// <exception cref="RabbitUnavailableException">The broker was away for too long, or went away before it answered: then it may have the message.</exception>
    /// <exception cref="ObjectDisposedException">The publisher was disposed.</exception>
    public Task<PublishOutcome> PublishAsync(in Publication publication)
    {
        var pending = new PendingPublication(publication, DeadlineOf(publication));
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (IsBufferFull(pending.Length))
            {
                pending.ReleaseBody();
                throw new RabbitUnavailableException($"RabbitMQ at {_broker.Dialer.Address} is away, and as many messages wait for it as may ({_broker.Options.OutageBuffer} or {_broker.Options.OutageBufferBytes} bytes: OutageBuffer, OutageBufferBytes)");
            }
            _waiting.Enqueue(pending);
            _waitingBytes += pending.Length;
            if (_isSending)
                return pending.Task;
            _isSending = true;
        }
        _ = SendAsync();
        return pending.Task;
    }

    public async ValueTask DisposeAsync()
    {
        IChannel? channel;
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            channel = _channel;
        }
        await _deadlines.DisposeAsync().ConfigureAwait(false);
        FailAll(new ObjectDisposedException(nameof(RabbitPublisher)));
        if (channel is not null)
            await RabbitLink.CloseAsync(channel).ConfigureAwait(false);
    }

    // Whoever has waited for long enough elsewhere still gets an answer that comes at once.
    private long DeadlineOf(in Publication publication)
    {
        var patience = _broker.Options.OutageTimeout - publication.Waited;
        return TimeProvider.System.GetTimestamp() + (long)((patience > Grace ? patience : Grace).TotalSeconds * TimeProvider.System.TimestampFrequency);
    }

    private bool IsBufferFull(int length) =>
        (_link.Current is null || !_link.Unblocked.IsCompleted)
        && (_waiting.Count >= _broker.Options.OutageBuffer || _waitingBytes + length > _broker.Options.OutageBufferBytes);

    // One at a time. It ends when nothing waits, or when the window is full: then the next confirmation calls it again.
    private async Task SendAsync()
    {
        while (true)
        {
            try
            {
                await _link.Unblocked.ConfigureAwait(false);
                var channel = _channel is { IsOpen: true } open ? open : await OpenChannelAsync().ConfigureAwait(false);
                while (Next(channel) is { } next)
                    await SendAsync(channel, next).ConfigureAwait(false);
                if (!IsMore())
                    return;
            }
            catch (ObjectDisposedException)
            {
                FailAll(new ObjectDisposedException(nameof(RabbitPublisher)));
                return;
            }
            catch (Exception exception)
            {
                // What waits waits on, until its time is over; the link makes another connection. What was not sent would be counted on this channel.
                if (_channel is { IsOpen: true } channel)
                    await RabbitLink.CloseAsync(channel).ConfigureAwait(false);
                if (exception is not RabbitUnavailableException)
                    await Task.Delay(LookEvery, TimeProvider.System).ConfigureAwait(false);
                lock (_lock)
                {
                    _isSending = _waiting.Count > 0 && !_isDisposed;
                    if (!_isSending)
                        return;
                }
            }
        }
    }

    private static async Task SendAsync(IChannel channel, PendingPublication next)
    {
        try
        {
            await channel.BasicPublishAsync(next.Exchange, next.RoutingKey, next.IsMandatory, next.Properties, next.Body).ConfigureAwait(false);
        }
        finally
        {
            next.ReleaseBody();
        }
    }

    private PendingPublication? Next(IChannel channel)
    {
        lock (_lock)
        {
            if (_channel != channel || _unconfirmed.IsClosed || _unconfirmed.Count >= Window || !_link.Unblocked.IsCompleted || !_waiting.TryDequeue(out var next))
                return null;
            _waitingBytes -= next.Length;
            _unconfirmed.Add(next);
            return next;
        }
    }

    private bool IsMore()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var isWindowFull = _channel is { IsOpen: true } && _unconfirmed.Count >= Window;
            _isSending = _waiting.Count > 0 && !isWindowFull;
            return _isSending;
        }
    }

    private async Task<IChannel> OpenChannelAsync()
    {
        var connection = await _link.GetAsync(CancellationToken.None).ConfigureAwait(false);
        var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false)).ConfigureAwait(false);
        var unconfirmed = new Unconfirmed();
        channel.BasicAcksAsync += (_, ack) => Answered(unconfirmed, ack.DeliveryTag, ack.Multiple, PublishOutcome.Confirmed);
        channel.BasicNacksAsync += (_, nack) => Answered(unconfirmed, nack.DeliveryTag, nack.Multiple, PublishOutcome.Refused);
        channel.BasicReturnAsync += (_, returned) => Returned(unconfirmed, returned);
        channel.ChannelShutdownAsync += (_, reason) => Closed(unconfirmed, reason);
        lock (_lock)
        {
            if (_isDisposed)
            {
                _ = RabbitLink.CloseAsync(channel);
                throw new ObjectDisposedException(nameof(RabbitPublisher));
            }
            (_channel, _unconfirmed) = (channel, unconfirmed);
        }
        if (channel.CloseReason is { } already)
            await Closed(unconfirmed, already).ConfigureAwait(false);
        return channel;
    }

    private Task Answered(Unconfirmed unconfirmed, ulong number, bool isMultiple, PublishOutcome outcome)
    {
        lock (_lock)
        {
            foreach (var publication in unconfirmed.Take(number, isMultiple))
                publication.End(outcome);
            GoOn();
        }
        return Task.CompletedTask;
    }

    private Task Returned(Unconfirmed unconfirmed, BasicReturnEventArgs returned)
    {
        lock (_lock)
        {
            if (unconfirmed.Find(returned.BasicProperties.MessageId) is { } publication)
                publication.IsReturned = true;
        }
        return Task.CompletedTask;
    }

    private Task Closed(Unconfirmed unconfirmed, ShutdownEventArgs reason)
    {
        var explanation = reason.Initiator == ShutdownInitiator.Peer ? _broker.Dialer.Explain(reason.ReplyCode, reason.ReplyText) : reason.ReplyText;
        if (reason.Initiator == ShutdownInitiator.Peer && _link.Current is not null)
            Log.PublishingClosed(_broker.Logger, _broker.Dialer.Address.ToString(), explanation.TrimEnd('.'));
        List<PendingPublication> failed;
        lock (_lock)
        {
            failed = unconfirmed.Close();
            GoOn();
        }
        foreach (var publication in failed)
            publication.Fail(new RabbitUnavailableException($"RabbitMQ at {_broker.Dialer.Address} went away before it had answered for a message; it may have it: {explanation.TrimEnd('.')}"));
        return Task.CompletedTask;
    }

    // Under the lock; but what it begins is not for the thread that reads the connection.
    private void GoOn()
    {
        if (_isSending || _waiting.Count == 0 || _isDisposed)
            return;
        _isSending = true;
        _ = Task.Run(SendAsync);
    }

    private void EndOverdue()
    {
        var now = TimeProvider.System.GetTimestamp();
        List<PendingPublication> waiting = [], sent;
        lock (_lock)
        {
            while (_waiting.TryPeek(out var first) && first.Deadline <= now)
            {
                waiting.Add(_waiting.Dequeue());
                _waitingBytes -= first.Length;
                first.ReleaseBody();
            }
            sent = [.. _unconfirmed.Overdue(now)];
        }
        foreach (var publication in waiting)
            publication.Fail(_broker.Away());
        foreach (var publication in sent)
            publication.Fail(new RabbitUnavailableException($"RabbitMQ at {_broker.Dialer.Address} has not answered for a message within {_broker.Options.OutageTimeout.TotalSeconds:0.#} s (OutageTimeout); it may have it"));
    }

    private void FailAll(Exception exception)
    {
        List<PendingPublication> all;
        lock (_lock)
        {
            all = [.. _unconfirmed.Close(), .. _waiting];
            _waiting.Clear();
            _waitingBytes = 0;
            _isSending = false;
        }
        foreach (var publication in all)
            publication.Fail(exception);
    }
}
