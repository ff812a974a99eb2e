using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Sending;

namespace Runnel.Redis.Receiving;

/// <summary>A worker on Redis: kept alive by <see cref="RedisHeart"/>, known to each channel that it receives from.</summary>
internal sealed class RedisWorkerLease : IWorkerLease
{
    private readonly RedisWorkQueue _queue;
    private readonly RedisStore _store;
    private readonly ConcurrentDictionary<ChannelName, WorkerChannel> _channels = new();
    private readonly CancellationTokenSource _lost = new();
    private long _renewed;
    private int _state;

    public RedisWorkerLease(RedisWorkQueue queue, RedisStore store, string workerId, WorkerLeaseOptions options)
    {
        (_queue, _store, WorkerId, Duration) = (queue, store, workerId, options.Duration);
        Name = $"{workerId}/{options.CrashLimit}";
        Pulse = new RedisPulse(Duration);
    }

    private enum State
    {
        Held,
        Lost,
        Disposed,
    }

    public string WorkerId { get; }

    /// <summary>Its name in Redis: who hands on what it held needs to know how many workers may die of a message.</summary>
    public string Name { get; }

    public TimeSpan Duration { get; }

    public CancellationToken Lost => _lost.Token;

    public IEnumerable<WorkerChannel> Channels => _channels.Values;

    public RedisPulse Pulse { get; }

    /// <remarks>One that was not renewed for as long as it lasts may be another's by now; Redis does not hand on any that was.</remarks>
    public bool IsHeld => IsOpen
        && Volatile.Read(ref _renewed) is var renewed && (renewed == 0 || TimeProvider.System.GetElapsedTime(renewed) < Duration);

    public async ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfEnded();
        return await ChannelOf(channel.QueueName).ReceiveAsync(max, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default) =>
        SettleAsync(message, static claim => new Settlement.Complete(claim), cancellationToken);

    public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(message);
        ReadOnlyMemory<byte>? payload = options.Body is { } body
            ? _store.Sealing.Seal(EnvelopeFormat.ReplaceBody(EnvelopeFormat.Encode(message.Envelope), body.Span), message.Channel.Value)
            : default(ReadOnlyMemory<byte>?); // null would be an empty one
        return SettleAsync(message, claim => new Settlement.Abandon(claim, options, payload), cancellationToken);
    }

    public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        var stored = DeadLetters.EncodeError(error, _store.Sealing, message.Channel);
        return SettleAsync(message, claim => new Settlement.DeadLetter(claim, reason, stored), cancellationToken);
    }

    /// <summary>The worker has become one of a channel, at this timestamp of the system's clock or later.</summary>
    public void Begin(long asked) => Interlocked.CompareExchange(ref _renewed, asked, 0);

    /// <summary>The worker was heard from on all its channels, at this timestamp of the system's clock or later.</summary>
    public void Renew(long asked) => Volatile.Write(ref _renewed, asked);

    /// <summary>Another worker has been given what this one held on a channel.</summary>
    /// <remarks>
    /// The worker is at an end, but lives: what it holds on other channels stays its own, to be settled or given back until it is disposed of, and
    /// <see cref="RedisHeart"/> goes on renewing it. It would be handed on as a dead worker's otherwise, counting a crash.
    /// </remarks>
    public void Lose()
    {
        if (Interlocked.CompareExchange(ref _state, (int)State.Lost, (int)State.Held) != (int)State.Held)
            return;
        Log.LeaseLost(_store.Logger, WorkerId);
        foreach (var channel in _channels.Values)
            channel.Lose(new LeaseLostException(WorkerId));
        _lost.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if ((State)Interlocked.Exchange(ref _state, (int)State.Disposed) == State.Disposed)
            return;
        _queue.Heart.Remove(this);
        var leaving = Task.WhenAll(_channels.Values.Select(LeaveAsync));
        try
        {
            await leaving.WaitAsync(_store.Options.OutageTimeout, TimeProvider.System).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or TimeoutException)
        {
            Log.LeaveFailed(_store.Logger, WorkerId, Duration, exception);
        }
    }

    private bool IsDisposed => Volatile.Read(ref _state) == (int)State.Disposed;

    private bool IsOpen => Volatile.Read(ref _state) == (int)State.Held;

    private async Task LeaveAsync(WorkerChannel channel)
    {
        await channel.EndAsync(new ObjectDisposedException(nameof(IWorkerLease), $"Worker {WorkerId} has left.")).ConfigureAwait(false);
        await channel.LeaveAsync().ConfigureAwait(false);
    }

    private ValueTask<bool> SettleAsync(ReceivedMessage message, Func<RedisClaim, Settlement> settlement, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        cancellationToken.ThrowIfCancellationRequested();
        if (message.Token is not RedisClaim claim || claim.Channel.Lease != this || IsDisposed || !claim.TrySettle())
            return ValueTask.FromResult(false);
        return new(claim.Channel.SettleAsync(settlement(claim)));
    }

    private WorkerChannel ChannelOf(ChannelName name)
    {
        if (_channels.TryGetValue(name, out var known))
            return known;
        var channel = _queue.Enter(name);
        try
        {
            var made = new WorkerChannel(this, channel, _store, _queue.Bells);
            var found = _channels.GetOrAdd(name, made);
            if (found == made)
                channel.Add(made);
            ThrowIfEnded();
            return found;
        }
        finally
        {
            channel.Exit();
        }
    }

    private void ThrowIfEnded()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        if (!IsOpen)
            throw new LeaseLostException(WorkerId);
    }
}
