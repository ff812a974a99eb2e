using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Topics;

/// <summary>The node's one queue, however many connections and topics it has: bound with the first subscription of a topic, unbound with the last.</summary>
/// <remarks>
/// The queue belongs to its connection, and ends with it. Another connection has it declared and bound again before anybody is told that the node hears; what was published
/// meanwhile is told as a gap. A queue of the same name that the broker still takes for the old connection's refuses that, and it is tried again.
/// </remarks>
internal sealed class NodeQueue : IAsyncDisposable
{
    private readonly RabbitMQBroker _broker;
    private readonly ITopicWire _wire;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, HeardTopic> _topics = [];
    private readonly Queue<(string RoutingKey, HeardTopic? Topic)> _changes = new();
    private Line? _line;
    private NodeConsumer? _consumer;
    private bool _isBinding;

    public NodeQueue(RabbitMQBroker broker, ITopicWire wire)
    {
        (_broker, _wire, Name) = (broker, wire, wire.NewQueueName());
        Link = new RabbitLink(broker, "hears", RestoreAsync);
        Link.Changed += OnChanged;
    }

    public RabbitLink Link { get; }

    public string Name { get; }

    /// <summary>Takes what was sent to the queue itself, and not to a topic.</summary>
    public Action<ReadOnlyMemory<byte>>? Direct { get; set; }

    /// <summary>What takes messages from the queue, on the last connection that there was.</summary>
    internal NodeConsumer? Consumer => Volatile.Read(ref _consumer);

    /// <summary>Whether everything that is to be heard is heard.</summary>
    public bool IsConnected => Link.Current is not null || _topics.Count == 0;

    // On every wire: what the queue refuses its sender hears of, and what is old is not worth having.
    private Dictionary<string, object?> Arguments => new()
    {
        ["x-max-length"] = _broker.Options.MostRemote,
        ["x-overflow"] = "reject-publish",
        ["x-message-ttl"] = (int)_broker.Options.Expiry.TotalMilliseconds,
    };

    public async Task<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken)
    {
        Link.Begin();
        var key = _wire.RoutingKeyOf(topic);
        Task bound;
        ITopicSubscription subscription;
        lock (_lock)
        {
            if (!_topics.TryGetValue(key, out var heard) || TryAdd(heard) is not { } added)
            {
                _topics[key] = heard = new HeardTopic(new TopicFlow(topic, readHistory: null, TimeProvider.System, _broker.Logger), key);
                added = TryAdd(heard)!;
                Change(key, heard);
            }
            (subscription, bound) = (added, heard.Bound);
        }
        try
        {
            await bound.WaitAsync(_broker.Options.OutageTimeout, cancellationToken).ConfigureAwait(false);
            return subscription;
        }
        catch (Exception exception)
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            if (exception is TimeoutException)
                throw _broker.Away(Link.Failure ?? exception);
            throw;
        }

        ITopicSubscription? TryAdd(HeardTopic heard) => heard.Flow.TryAdd(listener, () => EndAsync(heard));
    }

    public ValueTask DisposeAsync() => Link.DisposeAsync();

    private ValueTask EndAsync(HeardTopic heard)
    {
        lock (_lock)
        {
            // Another one may have taken the place of one that has ended.
            if (!heard.Flow.HasEnded || _topics.GetValueOrDefault(heard.RoutingKey) != heard)
                return ValueTask.CompletedTask;
            _topics.Remove(heard.RoutingKey);
            Change(heard.RoutingKey, null);
        }
        return ValueTask.CompletedTask;
    }

    // Under the lock, so that what is bound and unbound goes out in the order in which it was asked for.
    private void Change(string routingKey, HeardTopic? topic)
    {
        if (_line is not { } line)
            return; // the next connection binds what there is then
        _changes.Enqueue((routingKey, topic));
        if (_isBinding)
            return;
        _isBinding = true;
        _ = Task.Run(() => BindAsync(line));
    }

    // The broker is not waited for at each change, but once for all that have gathered.
    private async Task BindAsync(Line line)
    {
        var channel = line.Channel;
        while (true)
        {
            (string RoutingKey, HeardTopic? Topic)[] changes;
            lock (_lock)
            {
                if (_line != line)
                    return; // the next connection has a loop of its own
                _isBinding = _changes.Count > 0;
                if (!_isBinding)
                    return;
                changes = [.. _changes];
                _changes.Clear();
            }
            try
            {
                foreach (var (key, topic) in changes)
                {
                    if (topic is null)
                        await channel.QueueUnbindAsync(Name, _wire.Exchange, key).ConfigureAwait(false);
                    else
                        await channel.QueueBindAsync(Name, _wire.Exchange, key, arguments: null, noWait: true).ConfigureAwait(false);
                }
                await channel.QueueDeclarePassiveAsync(Name).ConfigureAwait(false);
                foreach (var (_, topic) in changes)
                    topic?.Begin();
            }
            catch (Exception exception)
            {
                RabbitLink.Break(line.Connection, $"the queue of this node could not be bound: {_broker.Dialer.Explain(exception)}");
            }
        }
    }

    private async Task RestoreAsync(IConnection connection, CancellationToken cancellationToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        var line = new Line(connection, channel);
        await RabbitMQBackplane.DeclareAsync(channel, _wire, cancellationToken).ConfigureAwait(false);
        await channel.QueueDeclareAsync(Name, durable: false, exclusive: true, autoDelete: false, Arguments, cancellationToken: cancellationToken).ConfigureAwait(false);
        HeardTopic[] topics;
        lock (_lock)
        {
            // From here on changes go to this channel, behind the bindings.
            topics = [.. _topics.Values];
            _changes.Clear();
            _isBinding = true;
            _line = line;
        }
        foreach (var topic in topics)
            await channel.QueueBindAsync(Name, _wire.Exchange, topic.RoutingKey, arguments: null, noWait: true, cancellationToken).ConfigureAwait(false);
        await channel.BasicQosAsync(0, (ushort)_broker.Options.MostLocal, global: false, cancellationToken).ConfigureAwait(false);
        channel.ChannelShutdownAsync += (_, reason) =>
        {
            RabbitLink.Break(connection, $"the channel of this node's queue was closed: {reason.ReplyText}");
            return Task.CompletedTask;
        };
        var consumer = new NodeConsumer(channel, _broker, (routingKey, body) => Take(line, routingKey, body), reason => RabbitLink.Break(connection, reason));
        Volatile.Write(ref _consumer, consumer);
        await channel.BasicConsumeAsync(Name, autoAck: false, consumer, cancellationToken).ConfigureAwait(false);
        foreach (var topic in topics)
            topic.Begin();
        _ = Task.Run(() => BindAsync(line), CancellationToken.None);
    }

    private void OnChanged(bool isThere)
    {
        HeardTopic[] topics;
        lock (_lock)
        {
            topics = [.. _topics.Values];
            if (!isThere)
            {
                _line = null;
                _changes.Clear();
            }
        }
        foreach (var topic in topics)
            topic.Change(isThere);
    }

    // What comes late by a connection that is lost belongs to what is told as a gap, and must not come behind that.
    private void Take(Line line, string routingKey, ReadOnlyMemory<byte> body)
    {
        if (routingKey == Name)
        {
            Direct?.Invoke(body);
            return;
        }
        HeardTopic? topic;
        lock (_lock)
            topic = _line is null || _line == line ? _topics.GetValueOrDefault(routingKey) : null;
        topic?.Take(_wire.Read(body)); // else it was left just now
    }

    /// <summary>What the queue is bound and heard on, until the connection is lost.</summary>
    private sealed record Line(IConnection Connection, IChannel Channel);
}
