using Runnel.Layers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Processes;
using Runnel.Sqlite.Tables;
using Runnel.Sqlite.Writing;

namespace Runnel.Sqlite;

/// <summary>A worker of this process. It is lost only with the process, or when somebody takes the file away from under it.</summary>
internal sealed class SqliteWorkerLease(SqliteStore store, Membership node, int number, int crashLimit) : IWorkerLease
{
    private const int Held = 0, Given = 1, Taken = 2;

    private readonly CancellationTokenSource _lost = new();
    private int _state;

    public long Id { get; } = SqliteNames.WorkerId(node.Id, number);

    public int CrashLimit { get; } = crashLimit;

    public string WorkerId { get; } = SqliteNames.WorkerOf(node.Name, number);

    public CancellationToken Lost => _lost.Token;

    /// <summary>Whether others know of the worker.</summary>
    public bool IsRegistered { get; set; }

    public bool IsHeld => Volatile.Read(ref _state) == Held;

    public async ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        var name = channel.QueueName;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!IsHeld)
                throw Ended();
            var messages = await OpenAsync(name, await TakeAsync(name.Value, max, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            if (messages.Count > 0)
                return messages;
        }
    }

    public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default) =>
        SettleAsync(message.Channel, ClaimOf(message), static (transaction, channel, claim) => transaction.Messages.Complete(channel, claim));

    public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var due = options.Delay > TimeSpan.Zero ? Later(options.Delay) : 0;
        var bytes = options.Body is { } body ? EnvelopeFormat.ReplaceBody(ClaimOf(message).Bytes, body.Span) : null;
        return SettleAsync(message.Channel, ClaimOf(message), (transaction, channel, claim) =>
            transaction.Messages.GiveBack(channel, claim, due, options.CountsAttempt, bytes));
    }

    public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default) =>
        SettleAsync(message.Channel, ClaimOf(message), (transaction, channel, claim) => transaction.Messages.PutAside(channel, claim, reason, error));

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Given, Held) != Held)
            return;
        store.Remove(this);
        try
        {
            await store.RunCertainlyAsync(HandBack).ConfigureAwait(false);
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

    /// <summary>Inside a transaction: before the worker holds anything, others have to know whose it is.</summary>
    public void Register(StoreTransaction transaction)
    {
        if (!IsRegistered)
            transaction.Nodes.AddWorker(Id, node.Id, CrashLimit);
    }

    /// <summary>What the worker holds belongs to others now.</summary>
    public void Lose()
    {
        if (Interlocked.CompareExchange(ref _state, Taken, Held) != Held)
            return;
        store.Writer.Receivers.Fail(this, _ => Ended());
        // Not here: this is the writer's thread, or a closing store's, and what the application does when its token is cancelled is its own affair.
        ThreadPool.UnsafeQueueUserWorkItem(static lease => lease._lost.Cancel(), this, preferLocal: false);
    }

    /// <summary>What a receive on a lease that is over throws.</summary>
    public Exception Ended() => Volatile.Read(ref _state) == Given ? new ObjectDisposedException(nameof(IWorkerLease)) : new LeaseLostException(WorkerId);

    private bool HandBack(StoreTransaction transaction)
    {
        store.Writer.Receivers.Fail(this, _ => Ended());
        return transaction.Nodes.RemoveWorker(Id);
    }

    private async Task<IReadOnlyList<Claim>> TakeAsync(string channel, int max, CancellationToken cancellationToken)
    {
        var work = new ReceiveWork(channel, this, max, store.Writer.Receivers);
        store.Post(work);
        if (!cancellationToken.CanBeCanceled)
            return await work.Task.ConfigureAwait(false);
        try
        {
            await using var cancellation = cancellationToken.UnsafeRegister(static (work, token) => ((ReceiveWork)work!).Cancel(token), work);
            return await work.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            store.Writer.TryPost(StoreWork.OfCertain(_ =>
            {
                store.Writer.Receivers.Remove(work);
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
                    transaction.Messages.PutAside(name, unreadable, DeadLetterReason.Unreadable, exception.Message)).ConfigureAwait(false);
            }
        }
        return messages;
    }

    private ValueTask<bool> SettleAsync(ChannelName channel, Claim claim, Func<StoreTransaction, string, Claim, bool> settle)
    {
        if (!IsHeld || claim.Worker != Id)
            return new(false);
        var work = new SettleWork(channel.Value, claim, settle);
        return store.Writer.TryPost(work) ? new(work.Task) : new(false);
    }

    private long Later(TimeSpan delay) => Ticks.Later(store.Now, delay);

    private static Claim ClaimOf(ReceivedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return message.Token as Claim ?? throw new ArgumentException($"Message '{message.Id}' did not come from this queue.", nameof(message));
    }
}
