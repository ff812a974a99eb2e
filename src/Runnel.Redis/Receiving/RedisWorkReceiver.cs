using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Sending;

namespace Runnel.Redis.Receiving;

/// <summary>A worker on Redis: kept alive by <see cref="RedisHeart"/>, known to each channel that it receives from.</summary>
internal sealed class RedisWorkReceiver : IWorkReceiver
{
    private readonly RedisStore _store;
    private readonly ChannelTable _table;
    private readonly RedisHeart _heart;
    private readonly RedisBells _bells;
    private readonly ConcurrentDictionary<ChannelName, WorkerChannel> _channels = new();
    private readonly CancellationTokenSource _lost = new();

    public RedisWorkReceiver(RedisStore store, ChannelTable table, RedisHeart heart, RedisBells bells, LeaseTerm term)
    {
        (_store, _table, _heart, _bells, Term) = (store, table, heart, bells, term);
        term.Lost += OnLost;
        store.ServerChanged += Reclaim;
        heart.Add(term);
    }

    public LeaseTerm Term { get; }

    public string WorkerId => Term.WorkerId;

    public CancellationToken Lost => _lost.Token;

    public bool IsHeld => Term.IsHeld;

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

    public async ValueTask DisposeAsync()
    {
        if (!Term.TryEnd())
            return;
        _heart.Remove(Term);
        _store.ServerChanged -= Reclaim;
        var leaving = Task.WhenAll(_channels.Values.Select(LeaveAsync));
        try
        {
            await leaving.WaitAsync(_store.Options.OutageTimeout, TimeProvider.System).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or TimeoutException)
        {
            Log.LeaveFailed(_store.Logger, WorkerId, Term.Duration, exception);
        }
    }

    /// <remarks>
    /// The worker is at an end, but lives: what it holds on other channels stays its own, to be settled or given back until it is disposed of, and
    /// <see cref="RedisHeart"/> goes on renewing it. It would be handed on as a dead worker's otherwise, counting a crash.
    /// </remarks>
    private void OnLost()
    {
        Log.LeaseLost(_store.Logger, WorkerId);
        foreach (var channel in _channels.Values)
            channel.Lose(new LeaseLostException(WorkerId));
        _lost.CancelAsync();
    }

    private void Reclaim()
    {
        foreach (var channel in _channels.Values)
            _ = channel.ReclaimAsync();
    }

    private async Task LeaveAsync(WorkerChannel channel)
    {
        await channel.EndAsync(new ObjectDisposedException(nameof(IWorkReceiver), $"Worker {WorkerId} has left.")).ConfigureAwait(false);
        await channel.LeaveAsync().ConfigureAwait(false);
    }

    private ValueTask<bool> SettleAsync(ReceivedMessage message, Func<RedisClaim, Settlement> settlement, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        cancellationToken.ThrowIfCancellationRequested();
        var claim = message.TokenAs<RedisClaim>();
        if (claim.Term != Term || Term.IsOver || !claim.TrySettle())
            return ValueTask.FromResult(false);
        return new(_channels[claim.Channel].SettleAsync(settlement(claim)));
    }

    private WorkerChannel ChannelOf(ChannelName name)
    {
        if (_channels.TryGetValue(name, out var known))
            return known;
        var channel = _table.Enter(name);
        try
        {
            var made = new WorkerChannel(Term, channel, _store, _bells);
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
        ObjectDisposedException.ThrowIf(Term.IsOver, this);
        if (!Term.IsOpen)
            throw new LeaseLostException(WorkerId);
    }
}
