using System.Globalization;
using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Topics;

namespace Runnel.RabbitMQ;

/// <summary>Carries messages over a RabbitMQ broker: one exclusive queue for each node, bound to a direct exchange for each topic that the node hears.</summary>
/// <remarks>
/// It keeps no history. A node that is cut off misses messages, and its listeners are told (<see cref="ITopicListener.OnGap"/>). They are told, too, when the node's queue was full
/// (<see cref="RabbitMQOptions.RemoteCapacity"/>), or a message waited there for longer than <see cref="RabbitMQOptions.Expiry"/>; the others get the message.
/// </remarks>
public sealed class RabbitMQBackplane : IBackplane, IAsyncDisposable
{
    private readonly RabbitMQBroker _broker;
    private readonly ITopicWire _wire;
    private readonly RabbitPublisher _publisher;
    private readonly CancellationTokenSource _ending = new();
    private readonly FullQueueLog _full;
    private readonly RefusedTopics _refused;
    private readonly Lock _lock = new();
    private BackplaneState _state = BackplaneState.Connected;
    private long _returnable;

    /// <summary>Creates the backplane; nothing is connected to yet.</summary>
    public RabbitMQBackplane(RabbitMQBroker broker)
    {
        ArgumentNullException.ThrowIfNull(broker);
        _broker = broker;
        _wire = WireOf(broker.Options);
        _full = new FullQueueLog(broker);
        _refused = new RefusedTopics(PublishCountAsync, TimeProvider.System, _ending.Token);
        Queue = new NodeQueue(broker, _wire);
        _publisher = new RabbitPublisher(broker, broker.Publishing);
        broker.Restoring.Add(async (connection, cancellationToken) =>
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            await DeclareAsync(channel, _wire, cancellationToken).ConfigureAwait(false);
        });
        broker.Publishing.Changed += _ => TellState();
        Queue.Link.Changed += _ => TellState();
    }

    /// <summary>The queue of this node.</summary>
    internal NodeQueue Queue { get; }

    /// <inheritdoc/>
    public BackplaneFeatures Features => BackplaneFeatures.ScaleOut;

    /// <inheritdoc/>
    public BackplaneState State => _state;

    /// <inheritdoc/>
    public event Action<BackplaneState>? StateChanged;

    /// <inheritdoc/>
    public async ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
    {
        if (retention is not null)
            throw KeepsNone(topic);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            var outcome = await PublishAsync(topic, payload).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (outcome == PublishOutcome.Refused)
                Refused(topic);
            else if (outcome == PublishOutcome.Returned)
                UnheardMessages.Tell(topic, payload, _broker.Logger);
            return Position.None;
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
            return await Queue.SubscribeAsync(topic, listener, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new BackplaneUnavailableException($"'{topic}' could not be subscribed to. {exception.Message}.", exception);
        }
    }

    /// <inheritdoc/>
    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        throw KeepsNone(topic);
    }

    /// <summary>Ends the subscriptions, and what waits to be published.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_publisher.DisposeAsync().AsTask(), Queue.DisposeAsync().AsTask()).ConfigureAwait(false); // a silent broker is waited for once
    }

    /// <summary>Publishes something that is no message to a topic.</summary>
    internal Task<PublishOutcome> PublishAsync(in Publication publication) => _publisher.PublishAsync(publication);

    internal static Task DeclareAsync(IChannel channel, ITopicWire wire, CancellationToken cancellationToken) =>
        channel.ExchangeDeclareAsync(wire.Exchange, ExchangeType.Direct, durable: false, autoDelete: false, cancellationToken: cancellationToken);

    private static ITopicWire WireOf(RabbitMQOptions options) => options.Wire == RabbitMQWire.Django ? new DjangoWire(options) : new RunnelWire(options);

    private static NotSupportedException KeepsNone(Topic topic) =>
        new($"RabbitMQ keeps no history, but '{topic}' was to have one: let another layer carry what has history (--layer redis://… with --queue-layer amqp://…).");

    // Under a lock, since messages have to go out in the order of their numbers.
    private Task<PublishOutcome> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload)
    {
        lock (_wire)
            return _publisher.PublishAsync(topic.Kind == TopicKind.Node ? Returnable(_wire.Write(topic, payload)) : _wire.Write(topic, payload));
    }

    // A message to one node comes back if that is gone. One to a group may have nobody who hears it.
    private Publication Returnable(in Publication publication)
    {
        publication.Properties.MessageId = (++_returnable).ToString(CultureInfo.InvariantCulture);
        return publication with { IsMandatory = true };
    }

    private void Refused(Topic topic)
    {
        _full.Refused(topic);
        _refused.Refused(topic);
    }

    private Task<PublishOutcome> PublishCountAsync(Topic topic)
    {
        lock (_wire)
            return _wire.WriteCount(topic) is { } count ? _publisher.PublishAsync(count) : Task.FromResult(PublishOutcome.Confirmed);
    }

    private void TellState()
    {
        // The lock holds while it is told, so that what is told last is what is.
        lock (_lock)
        {
            var state = _broker.Publishing.Current is not null && Queue.IsConnected ? BackplaneState.Connected : BackplaneState.Interrupted;
            if (_state == state)
                return;
            _state = state;
            try
            {
                StateChanged?.Invoke(state);
            }
            catch (Exception exception)
            {
                Log.WatcherFailed(_broker.Logger, exception);
            }
        }
    }
}
