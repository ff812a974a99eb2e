using Runnel.Layers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;
using Runnel.Sqlite.Writing;

namespace Runnel.Sqlite;

/// <summary>A worker of this process. It is lost only with the process, or when somebody takes the file away from under it.</summary>
internal sealed class SqliteWorkReceiver : IWorkReceiver
{
    private readonly SqliteStore _store;
    private readonly CancellationTokenSource _lost = new();

    public SqliteWorkReceiver(SqliteStore store, LeaseState state)
    {
        _store = store;
        State = state;
        // On a thread of the pool: what the application does when its token is cancelled is its own affair.
        State.Lost += () => ThreadPool.UnsafeQueueUserWorkItem(static lost => lost.Cancel(), _lost, preferLocal: false);
        if (!State.IsHeld)
            _lost.Cancel(); // before anybody listened
    }

    public LeaseState State { get; }

    public string WorkerId => State.WorkerId;

    public CancellationToken Lost => _lost.Token;

    public bool IsHeld => State.IsHeld;

    public async ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        var name = channel.QueueName;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!IsHeld)
                throw State.Ended();
            var messages = await OpenAsync(name, await TakeAsync(name.Value, max, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            if (messages.Count > 0)
                return messages;
        }
    }

    public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default) =>
        SettleAsync(message, static (transaction, channel, claim) => transaction.Messages.Complete(channel, claim));

    public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var due = options.Delay > TimeSpan.Zero ? Later(options.Delay) : 0;
        var bytes = options.Body is { } body ? EnvelopeFormat.ReplaceBody(ClaimOf(message).Bytes, body.Span) : null;
        return SettleAsync(message, (transaction, channel, claim) => transaction.Messages.GiveBack(channel, claim, due, options.CountsAttempt, bytes));
    }

    public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default) =>
        SettleAsync(message, (transaction, channel, claim) => transaction.DeadLetters.PutAside(channel, claim, reason, error));

    public async ValueTask DisposeAsync()
    {
        _store.Writer.Leases.Remove(State);
        if (!State.TryGiveBack())
            return;
        try
        {
            await _store.RunCertainlyAsync(HandBack).ConfigureAwait(false);
        }
        catch (SqliteFailure)
        {
            // Tried again until it succeeds; whoever leaves does not wait for that.
        }
        catch (ObjectDisposedException)
        {
            // The store was closed, and has handed back everything.
        }
    }

    private bool HandBack(StoreTransaction transaction)
    {
        _store.Writer.Receivers.Fail(State, _ => State.Ended());
        return transaction.Nodes.RemoveWorker(State.Id);
    }

    private async Task<IReadOnlyList<Claim>> TakeAsync(string channel, int max, CancellationToken cancellationToken)
    {
        var work = new ReceiveWork(channel, State, max, _store.Writer.Receivers);
        _store.Post(work);
        if (!cancellationToken.CanBeCanceled)
            return await work.Task.ConfigureAwait(false);
        try
        {
            await using var cancellation = cancellationToken.UnsafeRegister(static (work, token) => ((ReceiveWork)work!).Cancel(token), work);
            return await work.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _store.Writer.TryPost(StoreWork.OfCertain(_ =>
            {
                _store.Writer.Receivers.Remove(work);
                return true;
            }));
            throw;
        }
    }

    /// <summary>Decodes on the receiver's thread; what cannot be read is put aside, or it would come back for ever.</summary>
    private async ValueTask<List<ReceivedMessage>> OpenAsync(ChannelName channel, IReadOnlyList<Claim> claims)
    {
        var messages = new List<ReceivedMessage>(claims.Count);
        foreach (var claim in claims)
        {
            try
            {
                messages.Add(new ReceivedMessage(channel, EnvelopeBytes.Decode(claim.Bytes, claim.Attempt, claim.Crashes, claim.Expires), claim));
            }
            catch (FormatException exception)
            {
                await SettleAsync(channel, claim, (transaction, name, unreadable) =>
                    transaction.DeadLetters.PutAside(name, unreadable, DeadLetterReason.Unreadable, exception.Message)).ConfigureAwait(false);
            }
        }
        return messages;
    }

    private ValueTask<bool> SettleAsync(ReceivedMessage message, Func<StoreTransaction, string, Claim, bool> settle)
    {
        var claim = ClaimOf(message);
        return SettleAsync(message.Channel, claim, settle);
    }

    private ValueTask<bool> SettleAsync(ChannelName channel, Claim claim, Func<StoreTransaction, string, Claim, bool> settle)
    {
        if (!IsHeld || claim.Worker != State.Id)
            return new(false);
        var work = new SettleWork(channel.Value, claim, settle);
        return _store.Writer.TryPost(work) ? new(work.Task) : new(false);
    }

    private long Later(TimeSpan delay) => Ticks.Later(_store.Now, delay);

    private static Claim ClaimOf(ReceivedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return message.TokenAs<Claim>();
    }
}
