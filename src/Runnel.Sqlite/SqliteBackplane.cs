using Runnel.Layers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite;

/// <summary>The backplane in a SQLite file: carries messages between the processes of one machine, and keeps history.</summary>
/// <remarks>
/// All subscribers, in whatever process, see all messages in one order, each once. A message without retention waits some seconds in the file for the
/// other processes: one that does not run for longer misses it, and its subscribers are told of a gap. A published message is on disk when the call returns, if another process or
/// a history needs it. A history goes on in its epoch for as long as it holds something or somebody subscribes to the topic. Handlers are called on a loop of the backplane. Thread-safe.
/// </remarks>
public sealed class SqliteBackplane : IBackplane
{
    private readonly SqliteStore _store;

    /// <summary>Creates the backplane on a store, which it does not own.</summary>
    public SqliteBackplane(SqliteStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = store;
        _store.Writer.Health.Changed += TellState;
    }

    /// <inheritdoc/>
    public BackplaneFeatures Features => BackplaneFeatures.History | BackplaneFeatures.ScaleOut;

    /// <inheritdoc/>
    public BackplaneState State => _store.Writer.Health.IsConnected ? BackplaneState.Connected : BackplaneState.Interrupted;

    /// <inheritdoc/>
    public event Action<BackplaneState>? StateChanged;

    /// <inheritdoc/>
    public async ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var copy = payload.ToArray();
        var isHeard = true;
        var published = _store.RunAsync(transaction =>
        {
            isHeard = topic.Kind != TopicKind.Node || IsHeard(topic, transaction);
            return transaction.Publications.Publish(topic.Value, copy, retention, _store.Writer.Neighbours.Self.Id);
        });
        try
        {
            var position = await published.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (!isHeard)
                UnheardMessages.Tell(topic, copy, _store.Logger);
            return position;
        }
        catch (IOException exception)
        {
            throw new BackplaneUnavailableException($"The message to '{topic}' was not published. {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(listener);
        cancellationToken.ThrowIfCancellationRequested();
        ITopicSubscription? subscription = null;
        var subscribed = _store.RunPassingAsync(transaction =>
        {
            var deliveries = _store.Writer.Deliveries;
            if (!deliveries.HasSubscribers)
                transaction.Publications.StartReading();
            transaction.Topics.AddInterest(topic.Value, _store.Writer.Neighbours.Self.Id);
            // Once, also when the transaction is done again: it goes by nothing that a rollback takes back.
            return subscription ??= deliveries.Subscribe(topic, listener, transaction.Publications.LatestBefore(topic.Value));
        });
        try
        {
            return await subscribed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = EndLateAsync(); // the writer will subscribe nevertheless: nobody would end that
            throw;
        }
        catch (IOException exception)
        {
            await EndAsync().ConfigureAwait(false); // it is from a transaction that was rolled back
            throw new BackplaneUnavailableException($"There is no subscription to '{topic}'. {exception.Message}", exception);
        }

        async Task EndLateAsync()
        {
            await ((Task)subscribed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await EndAsync().ConfigureAwait(false);
        }

        ValueTask EndAsync() => subscription?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        cancellationToken.ThrowIfCancellationRequested();
        return new(_store.Reader.ReadHistory(topic.Value, after, limit, _store.Now));
    }

    // On the thread that writes, which must not end with a fault of the application, nor take it for a failure of the file.
    private void TellState()
    {
        try
        {
            StateChanged?.Invoke(State);
        }
        catch (Exception exception)
        {
            Log.StateHandlerFailed(_store.Logger, exception);
        }
    }

    private bool IsHeard(Topic topic, StoreTransaction transaction) =>
        _store.Writer.Deliveries.IsSubscribed(topic.Value) || transaction.Topics.HasOtherInterest(topic.Value, _store.Writer.Neighbours.Self.Id);
}
