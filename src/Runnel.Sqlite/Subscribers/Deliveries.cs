using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Subscribers;

/// <summary>Hands the messages of the backplane to this process's subscribers, on one loop of its own and in the order that the writer gave them.</summary>
internal sealed class Deliveries
{
    private readonly Channel<(long Number, Publication Publication)> _pending =
        Channel.CreateUnbounded<(long, Publication)>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Subscription[]> _subscriptions = [];
    private readonly int _capacity;
    private readonly Action _onDrained;
    private readonly Func<string, Task> _onUnsubscribed;
    private readonly ILogger _logger;
    private readonly Task _loop;
    private long _number;
    private int _count;

    /// <summary>Starts.</summary>
    /// <param name="capacity">How many messages wait in memory.</param>
    /// <param name="onDrained">Called when all that waited was handed out, after there had been no room for more.</param>
    /// <param name="onUnsubscribed">Called when a topic's last subscription has ended.</param>
    /// <param name="logger">Told of subscribers that throw.</param>
    public Deliveries(int capacity, Action onDrained, Func<string, Task> onUnsubscribed, ILogger logger)
    {
        _capacity = capacity;
        _onDrained = onDrained;
        _onUnsubscribed = onUnsubscribed;
        _logger = logger;
        _loop = Task.Run(DeliverAsync);
    }

    public bool HasRoom => Volatile.Read(ref _count) < _capacity;

    /// <summary>How many topics are subscribed to.</summary>
    public int TopicCount
    {
        get
        {
            lock (_lock)
                return _subscriptions.Count;
        }
    }

    public IReadOnlyList<string> Topics
    {
        get
        {
            lock (_lock)
                return [.. _subscriptions.Keys];
        }
    }

    public bool HasSubscribers => TopicCount > 0;

    public bool IsSubscribed(string topic)
    {
        lock (_lock)
            return _subscriptions.ContainsKey(topic);
    }

    /// <summary>Takes in a message; called by the writer only, which bounds what waits here by <see cref="HasRoom"/>.</summary>
    public void Add(Publication publication)
    {
        Interlocked.Increment(ref _count);
        _pending.Writer.TryWrite((++_number, publication));
    }

    /// <summary>Subscribes to all that is added from now on; called by the writer only.</summary>
    public ITopicSubscription Subscribe(string topic, ITopicListener listener, Position begins)
    {
        var subscription = new Subscription(this, topic, listener, _number) { Begins = begins };
        lock (_lock)
            _subscriptions[topic] = [.. _subscriptions.GetValueOrDefault(topic, []), subscription];
        return subscription;
    }

    /// <summary>Ends the loop, when it has handed out what it has.</summary>
    public async Task StopAsync()
    {
        _pending.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async Task DeliverAsync()
    {
        await foreach (var (number, publication) in _pending.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            Subscription[]? subscriptions;
            lock (_lock)
                subscriptions = _subscriptions.GetValueOrDefault(publication.Topic);
            foreach (var subscription in subscriptions ?? [])
                subscription.Deliver(number, publication.Message);
            if (Interlocked.Decrement(ref _count) == 0)
                _onDrained();
        }
    }

    /// <returns>Whether it was the topic's last.</returns>
    private bool Remove(Subscription subscription)
    {
        lock (_lock)
        {
            var others = _subscriptions.GetValueOrDefault(subscription.Topic, []).Where(other => other != subscription).ToArray();
            if (others.Length == 0)
                return _subscriptions.Remove(subscription.Topic);
            _subscriptions[subscription.Topic] = others;
            return false;
        }
    }

    private sealed class Subscription(Deliveries deliveries, string topic, ITopicListener listener, long after) : ITopicSubscription
    {
        // Held while a message is handed out: that is what makes "no message after dispose" true. Re-entrant, so a handler may end its subscription.
        private readonly Lock _lock = new();
        private bool _ended;

        public string Topic => topic;

        public Position Begins { get; init; }

        public void Deliver(long number, BackplaneMessage message)
        {
            lock (_lock)
            {
                if (_ended || number <= after)
                    return;
                try
                {
                    listener.OnMessage(message);
                }
                catch (Exception exception)
                {
                    // It must not. One that does must not cost the others the message.
                    Log.SubscriberFailed(deliveries._logger, topic, exception);
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            lock (_lock)
                _ended = true;
            return deliveries.Remove(this) ? new ValueTask(deliveries._onUnsubscribed(topic)) : ValueTask.CompletedTask;
        }
    }
}
