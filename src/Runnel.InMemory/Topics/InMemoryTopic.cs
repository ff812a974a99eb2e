using System.Runtime.ExceptionServices;
using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory.Topics;

/// <summary>One topic of the in-memory backplane: its subscribers, its history, and the messages on their way to the former.</summary>
internal sealed class InMemoryTopic(Topic name)
{
    private static long _lastEpoch = Random.Shared.NextInt64(1, long.MaxValue / 2);

    private readonly Lock _lock = new();
    private readonly Queue<BackplaneMessage> _pending = new();
    private readonly Queue<(BackplaneMessage Message, long At)> _history = new();
    private readonly long _epoch = Interlocked.Increment(ref _lastEpoch);
    private Subscription[] _subscriptions = [];
    private TimeSpan _age;
    private long _offset;
    private bool _delivering;
    private bool _retired;

    public Topic Name { get; } = name;

    private Position Latest => _offset == 0 ? Position.None : new Position(_epoch, _offset);

    /// <summary>Whether the backplane will come back to look at the history's age; its lock guards it.</summary>
    public bool IsAging { get; set; }

    /// <summary>When the newest message of the history will have aged out, by the backplane's clock, in ticks.</summary>
    public long HistoryEnds { get; private set; }

    /// <summary>Takes a message in; it is delivered by <see cref="Deliver"/>.</summary>
    /// <returns><see langword="false"/> when the topic was retired meanwhile: get it anew.</returns>
    public bool TryPublish(byte[] payload, Retention? retention, long now, out Position position)
    {
        position = Position.None;
        lock (_lock)
        {
            if (_retired)
                return false;
            if (retention is not null)
                position = new Position(_epoch, ++_offset);
            var message = new BackplaneMessage(position, payload);
            if (retention is not null)
                Keep(message, retention, now);
            if (_subscriptions.Length > 0)
                _pending.Enqueue(message);
            return true;
        }
    }

    /// <summary>Hands pending messages to the subscribers, unless another thread is doing so: then that one takes them along.</summary>
    public void Deliver()
    {
        Exception? failure = null;
        for (var first = true; ; first = false)
        {
            BackplaneMessage message;
            Subscription[] subscriptions;
            lock (_lock)
            {
                if (first && _delivering)
                    return;
                _delivering = _pending.TryDequeue(out message);
                if (!_delivering)
                    break;
                subscriptions = _subscriptions;
            }
            foreach (var subscription in subscriptions)
                failure = subscription.Deliver(message) ?? failure;
        }
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    public ITopicSubscription? TrySubscribe(ITopicListener listener, Action<InMemoryTopic> onEmpty)
    {
        lock (_lock)
        {
            if (_retired)
                return null;
            var subscription = new Subscription(this, listener, onEmpty) { Begins = Latest };
            _subscriptions = [.. _subscriptions, subscription];
            return subscription;
        }
    }

    public TopicHistory ReadHistory(Position after, int limit, long now)
    {
        lock (_lock)
        {
            ForgetAged(now);
            var firstKept = _offset - _history.Count + 1;
            var isComplete = after == Position.None
                || (after.Epoch == _epoch && after.Offset >= firstKept - 1 && after.Offset <= _offset);
            var skip = isComplete && after != Position.None ? after.Offset - firstKept + 1 : 0;
            var messages = _history.Skip((int)skip).Take(limit).Select(kept => kept.Message).ToList();
            return new TopicHistory(messages, Latest, isComplete, _history.Count - skip > messages.Count);
        }
    }

    /// <summary>Ends the topic when it has no subscriber and no history; from then on it takes nothing.</summary>
    public bool TryRetire(long now)
    {
        lock (_lock)
        {
            ForgetAged(now);
            return _retired = _subscriptions.Length == 0 && _history.Count == 0;
        }
    }

    private void Keep(BackplaneMessage message, Retention retention, long now)
    {
        _age = retention.Age;
        HistoryEnds = Ticks.Later(now, retention.Age);
        _history.Enqueue((message, now));
        while (_history.Count > retention.Messages)
            _history.Dequeue();
        ForgetAged(now);
    }

    private void ForgetAged(long now)
    {
        while (_history.TryPeek(out var oldest) && now - oldest.At >= _age.Ticks)
            _history.Dequeue();
    }

    private sealed class Subscription(InMemoryTopic topic, ITopicListener listener, Action<InMemoryTopic> onEmpty) : ITopicSubscription
    {
        private bool _ended;

        public Position Begins { get; init; }

        public Exception? Deliver(BackplaneMessage message)
        {
            // The lock is what makes "no message after dispose" true; it is re-entrant, so a handler may end its own subscription.
            lock (this)
            {
                if (_ended)
                    return null;
                try
                {
                    listener.OnMessage(message);
                    return null;
                }
                catch (Exception exception)
                {
                    // A handler must not throw. One that does must not cost the other subscribers the message: the publisher gets to see it.
                    return exception;
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            lock (this)
                _ended = true;
            lock (topic._lock)
                topic._subscriptions = [.. topic._subscriptions.Where(other => other != this)];
            onEmpty(topic);
            return ValueTask.CompletedTask;
        }
    }
}
