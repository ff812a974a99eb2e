using System.Buffers.Binary;
using System.Security.Cryptography;
using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Stores;
using Runnel.Redis.Topics;

namespace Runnel.Redis;

/// <summary>The backplane on Redis: pub/sub, and a stream for each topic that keeps history.</summary>
/// <remarks>
/// A message costs one command, and one delivery to each node that has subscribed to the topic. With retention, a node that missed some, whatever the reason,
/// notices by their offsets and reads them from the history before it goes on, so subscribers get each once and in order for as long as it is kept.
/// While Redis is away, what is published waits (<see cref="RedisOptions.OutageTimeout"/>, <see cref="RedisOptions.OutageBuffer"/>) and goes out in its
/// order when it is back. A message with retention whose answer was lost is sent again, and stored once; one without is not, and fails.
/// Handlers are called on the thread that reads from Redis. Thread-safe.
/// </remarks>
public sealed class RedisBackplane : IBackplane, IAsyncDisposable
{
    private const int MostBytes = 1024 * 1024; // of a page of history: others share the connection, and wait behind it

    private readonly RedisStore _store;
    private readonly RedisSubscriber _subscriber;
    private readonly Lock _lock = new();
    private volatile BackplaneState _state = BackplaneState.Connected;

    /// <summary>Creates the backplane on a store, which it does not own.</summary>
    public RedisBackplane(RedisStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = store;
        _subscriber = new RedisSubscriber(store, ReadHistoryAsync, _ => UpdateState());
        store.ConnectedChanged += _ => UpdateState();
    }

    /// <inheritdoc/>
    public BackplaneFeatures Features => BackplaneFeatures.History | BackplaneFeatures.ScaleOut;

    /// <inheritdoc/>
    public BackplaneState State => _state;

    /// <inheritdoc/>
    public event Action<BackplaneState>? StateChanged;

    /// <summary>The connection for subscriptions.</summary>
    internal RedisSubscriber Subscriber => _subscriber;

    /// <inheritdoc/>
    public async ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var content = _store.Sealing.Seal(payload, topic.Value);
        var unnoted = retention is null ? null : _store.Unnoted;
        var command = retention is null ? Publish(topic, content.Span) : PublishAndKeep(topic, content.Span, retention, unnoted is null ? RedisScript.Publish : RedisScript.NoteAndPublish);
        try
        {
            var answer = await _store.Commands.ExecuteAsync(command).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (unnoted is not null)
                _store.Noted(unnoted);
            if (retention is null && answer.AsNumber() == 0)
                UnheardMessages.Tell(topic, payload, _store.Logger);
            return retention is null ? Position.None : new Position(BinaryPrimitives.ReadInt64LittleEndian(answer.Items[0].Bytes), answer.Items[1].AsNumber());
        }
        catch (IOException exception)
        {
            throw new BackplaneUnavailableException($"The message to '{topic}' was not published, as far as is known. {exception.Message}.", exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(listener);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await _subscriber.SubscribeAsync(topic, listener, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new BackplaneUnavailableException($"'{topic}' could not be subscribed to. {exception.Message}.", exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await ReadAsync(topic, after, limit, isPatient: false).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new BackplaneUnavailableException($"The history of '{topic}' could not be read. {exception.Message}.", exception);
        }
    }

    /// <summary>Ends the subscriptions.</summary>
    public ValueTask DisposeAsync() => _subscriber.DisposeAsync();

    private RedisCommand Publish(Topic topic, ReadOnlySpan<byte> content)
    {
        var writer = new RespWriter(3, content.Length + 128);
        writer.Add("PUBLISH"u8);
        writer.Add(_store.Keys.PubSubOf(topic));
        var part = writer.AddEmpty(1 + content.Length);
        part[0] = PublishedMessage.Plain;
        content.CopyTo(part[1..]);
        return new RedisCommand(writer.Written);
    }

    private RedisCommand PublishAndKeep(Topic topic, ReadOnlySpan<byte> content, Retention retention, RedisScript script)
    {
        Span<byte> random = stackalloc byte[24]; // a history's epoch, if this begins one, and the message's own id
        RandomNumberGenerator.Fill(random);
        random[7] &= 0x7F;
        random[0] |= 1;
        var writer = script.Run(keys: 5, arguments: 10, sizeHint: content.Length + 512);
        writer.Add(_store.Keys.PositionOf(topic));
        writer.Add(_store.Keys.LogOf(topic));
        writer.Add(_store.Keys.IdsOf(topic));
        writer.Add(_store.Keys.Server);
        writer.Add(_store.Keys.Format);
        writer.Add(_store.ScriptTime);
        var repeatMark = writer.NextShortPart;
        writer.Add("0"u8);
        writer.Add(random[..8]);
        writer.Add(retention.Messages);
        writer.Add((long)retention.Age.TotalMicroseconds);
        writer.Add((long)retention.PositionAge.TotalMicroseconds);
        writer.Add(random[8..]);
        writer.Add(content);
        writer.Add(_store.Keys.PubSubOf(topic));
        writer.Add(RedisStore.Format);
        return new RedisCommand(writer.Written, repeatMark);
    }

    // For a subscription, which waits for Redis for as long as it takes.
    private Task<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit) => ReadAsync(topic, after, limit, isPatient: limit > 0);

    private async Task<TopicHistory> ReadAsync(Topic topic, Position after, int limit, bool isPatient)
    {
        List<BackplaneMessage> messages = [];
        var isComplete = true;
        while (true)
        {
            var items = (await _store.Commands.ExecuteAsync(new RedisCommand(History(topic, after, limit), repeatMark: -1) { IsPatient = isPatient }).ConfigureAwait(false)).Items;
            if (items[0].Bytes.Length == 0)
                return new TopicHistory([], Position.None, after == Position.None, HasMore: false);
            var epoch = BinaryPrimitives.ReadInt64LittleEndian(items[0].Bytes);
            isComplete &= items[2].AsNumber() == 1;
            var hasMore = items[3].AsNumber() == 1;
            for (var i = 4; i < items.Length; i += 2)
            {
                after = new Position(epoch, items[i].AsNumber());
                if (TryOpen(items[i + 1].Bytes, topic) is { } payload)
                    messages.Add(new(after, payload));
            }
            // If nothing on this page can be read, the answer is on the next one.
            if (messages.Count > 0 || !hasMore)
                return new TopicHistory(messages, new Position(epoch, items[1].AsNumber()), isComplete, hasMore);
        }
    }

    // One that cannot be read must not be in the way of the others.
    private ReadOnlyMemory<byte>? TryOpen(byte[] stored, Topic topic)
    {
        try
        {
            return _store.Sealing.Open(stored, topic.Value);
        }
        catch (FormatException exception)
        {
            Log.Unreadable(_store.Logger, exception);
            LayerTelemetry.MessagesDropped("unreadable");
            return default(ReadOnlyMemory<byte>?); // null would be an empty one
        }
    }

    private ReadOnlyMemory<byte> History(Topic topic, Position after, int limit)
    {
        var writer = RedisScript.History.Run(keys: 3, arguments: 6);
        writer.Add(_store.Keys.PositionOf(topic));
        writer.Add(_store.Keys.LogOf(topic));
        writer.Add(_store.Keys.Server);
        writer.Add(_store.ScriptTime);
        Span<byte> epoch = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(epoch, after.Epoch);
        writer.Add(after == Position.None ? [] : epoch);
        writer.Add(after.Offset);
        writer.Add(limit);
        writer.Add(MostBytes);
        writer.Add(_store.Keys.PubSubOf(topic));
        return writer.Written;
    }

    private void UpdateState()
    {
        // The lock holds while it is told, so that what is told last is what is.
        lock (_lock)
        {
            var state = _store.Commands.IsConnected && _subscriber.IsConnected ? BackplaneState.Connected : BackplaneState.Interrupted;
            if (_state == state)
                return;
            _state = state;
            try
            {
                StateChanged?.Invoke(state);
            }
            catch (Exception exception)
            {
                Log.StateHandlerFailed(_store.Logger, exception);
            }
        }
    }
}
