using System.Buffers.Binary;
using System.Text;
using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;

namespace Runnel.Redis.Topics;

/// <summary>The connection for subscriptions, and the topics that this node subscribes to.</summary>
internal sealed class RedisSubscriber : IAsyncDisposable
{
    private const int Batch = 512;

    private static readonly ReadOnlyMemory<byte> Ping = RespWriter.Encode("PING");

    private readonly RedisStore _store;
    private readonly Func<Topic, Position, int, Task<TopicHistory>> _readHistory;
    private readonly RedisClient _client;
    private readonly PositionKeeper _positions;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Heard> _topics = [];

    public RedisSubscriber(RedisStore store, Func<Topic, Position, int, Task<TopicHistory>> readHistory, Action<bool> onConnectedChanged)
    {
        (_store, _readHistory, _positions) = (store, readHistory, new PositionKeeper(store));
        _client = new RedisClient(store.Dialer, store.Options, store.Outage)
        {
            OnPush = Take,
            OnConnectedChanged = isConnected =>
            {
                AfterChange(isConnected);
                onConnectedChanged(isConnected);
            },
        };
    }

    public RedisClient Client => _client;

    /// <summary>Whether everything that is to be heard is heard.</summary>
    public bool IsConnected => _client.IsConnected || _topics.Count == 0;

    public async Task<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken)
    {
        var channel = _store.Keys.PubSubOf(topic);
        Task begun;
        ITopicSubscription subscription;
        lock (_lock)
        {
            if (!_topics.TryGetValue(channel, out var heard) || TryAdd(heard) is not { } added)
            {
                var flow = new TopicFlow(topic, (after, limit) => ReadMissedAsync(topic, after, limit), TimeProvider.System, _store.Logger);
                _topics[channel] = heard = new Heard(flow, channel);
                added = TryAdd(heard)!;
                heard.Begun = BeginAsync(heard);
            }
            (subscription, begun) = (added, heard.Begun);
        }
        try
        {
            await begun.WaitAsync(cancellationToken).ConfigureAwait(false);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        ITopicSubscription? TryAdd(Heard heard) => heard.Flow.TryAdd(listener, () => EndAsync(heard));
    }

    public ValueTask DisposeAsync()
    {
        _positions.Dispose();
        return _client.DisposeAsync();
    }

    // Both at once: a message between the two is one from before the subscription was there, and its place in the history says so.
    private async Task BeginAsync(Heard heard)
    {
        var subscribing = HearAsync(heard.Channel);
        var latest = (await _readHistory(heard.Flow.Topic, Position.None, 0).ConfigureAwait(false)).Latest;
        await subscribing.ConfigureAwait(false);
        if (latest != Position.None)
            Keep(heard);
        heard.Flow.Begin(latest);
    }

    // Under the lock it ends, too: what has ended is not kept.
    private void Keep(Heard heard)
    {
        lock (_lock)
        {
            if (heard.IsKept || _topics.GetValueOrDefault(heard.Channel) != heard)
                return;
            heard.IsKept = true;
            _positions.Add(heard.Flow.Topic);
        }
    }

    private async Task HearAsync(string channel)
    {
        await _client.ExecuteAsync(new RedisCommand(RespWriter.Encode("SUBSCRIBE", channel), repeatMark: -1)).ConfigureAwait(false);
        lock (_lock)
        {
            if (!_topics.ContainsKey(channel))
                Unsubscribe(channel); // it ended before there was a connection to say so on
        }
    }

    // The history is read on another connection, and may hold what is still on its way on this one. Redis answers here after all that it published before:
    // so that has been heard, in its order, when this returns.
    private async Task<TopicHistory> ReadMissedAsync(Topic topic, Position after, int limit)
    {
        var history = await _readHistory(topic, after, limit).ConfigureAwait(false);
        try
        {
            await _client.ExecuteAsync(new RedisCommand(Ping, repeatMark: -1) { IsPatient = true }).ConfigureAwait(false);
        }
        catch (RedisErrorException)
        {
            // An answer, too: a server that cannot write to its disk refuses even this.
        }
        return history;
    }

    private ValueTask EndAsync(Heard heard)
    {
        lock (_lock)
        {
            // Another one may have taken the place of one that has ended.
            if (!heard.Flow.HasEnded || _topics.GetValueOrDefault(heard.Channel) != heard)
                return ValueTask.CompletedTask;
            _topics.Remove(heard.Channel);
            _positions.Remove(heard.Flow.Topic);
            if (_client.IsConnected)
                Unsubscribe(heard.Channel);
        }
        return ValueTask.CompletedTask;
    }

    // Under the lock, so that it goes out before the next SUBSCRIBE of the same channel.
    private void Unsubscribe(string channel) => Forget(_client.ExecuteAsync(RespWriter.Encode("UNSUBSCRIBE", channel)));

    // On the thread that reads: it only parses, and hands on.
    private void Take(RespValue push)
    {
        if (push.Items is not [var kind, var channel, var content] || !kind.Bytes.AsSpan().SequenceEqual("message"u8))
            return;
        Heard? heard;
        lock (_lock)
        {
            var name = Encoding.UTF8.GetString(channel.Bytes);
            if (!_topics.TryGetValue(name, out heard))
            {
                Unsubscribe(name); // left just when the connection was made anew
                return;
            }
        }
        try
        {
            if (content.Bytes is [PublishedMessage.Doubt])
                heard.Flow.Doubt();
            else
                Take(heard, Read(heard.Flow.Topic, content.Bytes));
        }
        catch (FormatException exception)
        {
            Log.Unreadable(_store.Logger, exception);
            LayerTelemetry.MessagesDropped("unreadable");
        }
    }

    private void Take(Heard heard, BackplaneMessage message)
    {
        if (!heard.IsKept && message.Position != Position.None)
            Keep(heard);
        heard.Flow.Take(message);
    }

    private BackplaneMessage Read(Topic topic, byte[] content) => content switch
    {
        [PublishedMessage.Plain, ..] => new(Position.None, _store.Sealing.Open(content.AsMemory(1), topic.Value)),
        [PublishedMessage.Kept, ..] when content.Length >= PublishedMessage.HeadLength => new(
            new Position(BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(1)), BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(9))),
            _store.Sealing.Open(content.AsMemory(PublishedMessage.HeadLength), topic.Value)),
        _ => throw new FormatException($"What came on the pub/sub channel of topic '{topic}' is not a message of Runnel: somebody else publishes there."),
    };

    private void AfterChange(bool isConnected)
    {
        // Not under the lock: a topic that is handing on a message may be in the middle of a handler that wants it.
        Heard[] topics;
        lock (_lock)
            topics = [.. _topics.Values];
        if (isConnected)
        {
            Resubscribe(topics);
            return;
        }
        foreach (var heard in topics)
            heard.Flow.Interrupt();
    }

    // They are restored on the thread that reads, or that might come when the connection is lost again already, and end the next interruption too early.
    private void Resubscribe(Heard[] topics)
    {
        foreach (var batch in topics.Chunk(Batch))
        {
            var command = RespWriter.Encode(["SUBSCRIBE", .. batch.Select(heard => heard.Channel)]);
            Forget(_client.ExecuteAsync(new RedisCommand(command) { Answers = batch.Length, IsPatient = true, OnAnswered = () => Restore(batch) }));
        }
    }

    private static void Restore(Heard[] batch)
    {
        foreach (var heard in batch)
            heard.Flow.Restore();
    }

    // What the connection took along when it was lost is done on the next one: there, all topics are subscribed to anew, and no others.
    private void Forget(Task task) => task.ContinueWith(
        (failed, state) =>
        {
            if (failed.Exception!.InnerException is not (ObjectDisposedException or RedisUnavailableException) and var exception)
                Log.Refused(((RedisStore)state!).Logger, ((RedisStore)state!).Dialer.Address.ToString(), exception!);
        },
        _store, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    /// <summary>A topic that this node hears.</summary>
    private sealed class Heard(TopicFlow flow, string channel)
    {
        public TopicFlow Flow => flow;

        public string Channel => channel;

        public Task Begun { get; set; } = Task.CompletedTask;

        /// <summary>Whether the topic has a history.</summary>
        public bool IsKept { get; set; }
    }
}
