using Runnel.Layers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;
using Runnel.Sqlite.Writing;

namespace Runnel.Sqlite;

/// <summary>The work queue in a SQLite file: durable, for the processes of one machine, with nothing to install.</summary>
/// <remarks>
/// A message is stored when the disk has confirmed it (<see cref="SqliteOptions.Synchronous"/>). A worker's lease has no time limit: it ends with the
/// process, which is noticed at once, so <see cref="ReceiverOptions.LeaseDuration"/> is not used. A process that is stopped keeps what it holds.
/// Messages that are enqueued in bulk, or by many callers at once, share one write to the disk.
/// </remarks>
public sealed class SqliteWorkQueue : IWorkQueue, IWorkQueueOperator
{
    private readonly SqliteStore _store;

    /// <summary>Creates the queue on a store, which it does not own.</summary>
    public SqliteWorkQueue(SqliteStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = store;
    }

    /// <inheritdoc/>
    public WorkQueueFeatures Features => WorkQueueFeatures.All;

    /// <inheritdoc/>
    /// <exception cref="IOException">The file could not be written, such as on a full disk; nothing was stored.</exception>
    public async ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(envelopes);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        if (envelopes.Count == 0)
            return 0;

        var messages = new NewMessage[envelopes.Count];
        for (var i = 0; i < messages.Length; i++)
            messages[i] = NewMessage.Of(envelopes[i]);
        var work = new EnqueueWork(channel.QueueName, messages, options, _store.Writer.Senders);
        try
        {
            _store.Post(work);
            if (options.WaitForRoom > TimeSpan.Zero)
                return await WaitForRoomAsync(work, channel, options, cancellationToken).ConfigureAwait(false);
            return (await work.Task.WaitAsync(cancellationToken).ConfigureAwait(false))!.Value;
        }
        catch (SqliteFailure failure)
        {
            throw new IOException($"Nothing was stored on channel '{channel.QueueName}'. {failure.Message}", failure);
        }
    }

    /// <inheritdoc/>
    /// <remarks>It is the clock of this machine, which all processes of the file share.</remarks>
    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) => new(_store.TimeProvider.GetUtcNow());

    /// <inheritdoc/>
    public async ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var uid = id.Value.ToByteArray(bigEndian: true);
        return await _store.RunAsync(transaction => transaction.Channels.Find(channel.QueueName.Value) is { } row && transaction.Messages.Cancel(row, uid))
            .WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <remarks>Others hear of the worker when it first receives.</remarks>
    public ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        return new(new SqliteWorkReceiver(_store, _store.AddLease()));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // What has expired frees what it blocked only when it is deleted, which may be a moment away.
        try
        {
            while (_store.Reader.HasExpired(_store.Now))
                await _store.RunAsync(static transaction => transaction.Messages.RemoveExpired(limit: 500)).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (SqliteFailure)
        {
            // The disk is full, say. Then an operator wants to see all the more what fills it.
        }
        return _store.Reader.ListChannels(_store.Now);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        cancellationToken.ThrowIfCancellationRequested();
        return new(_store.Reader.ListDeadLetters(channel.QueueName.Value, filter, limit));
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        cancellationToken.ThrowIfCancellationRequested();
        return await _store.RunAsync(transaction => transaction.DeadLetters.Replay(channel.QueueName.Value, filter)).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        cancellationToken.ThrowIfCancellationRequested();
        return await _store.RunAsync(transaction => transaction.DeadLetters.Purge(channel.QueueName.Value, filter)).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _store.RunAsync(transaction =>
        {
            transaction.Database.Execute(SqliteStatements.FlushQueues);
            transaction.Channels.Flushed();
            transaction.Round.Rings = true; // for room
            return true;
        }).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private ValueTask<int> WaitForRoomAsync(EnqueueWork work, ChannelName channel, EnqueueOptions options, CancellationToken cancellationToken)
    {
        return RoomWait.ForAsync(work.StoredAsync(), StopWaitingAsync, channel, options, _store.TimeProvider, cancellationToken);

        ValueTask<bool> StopWaitingAsync() => new(_store.RunAsync(_ => _store.Writer.Senders.Remove(work)));
    }
}
