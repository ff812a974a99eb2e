using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Sqlite.Subscribers;

/// <summary>Hands the messages of the backplane to this process's subscribers, on one loop of its own and in the order that the writer gave them.</summary>
internal sealed class Deliveries
{
    private readonly Channel<(long Number, Publication? Publication, TaskCompletionSource? Passed)> _pending =
        Channel.CreateUnbounded<(long, Publication?, TaskCompletionSource?)>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Heard> _topics = [];
    private readonly int _capacity;
    private readonly Func<Topic, Position, int, Task<TopicHistory>> _readHistory;
    private readonly Action _onDrained;
    private readonly Func<string, Task> _onUnsubscribed;
    private readonly ILogger _logger;
    private readonly Task _loop;
    private long _number;
    private int _count;

    /// <summary>Starts.</summary>
    /// <param name="capacity">How many messages wait in memory.</param>
    /// <param name="readHistory">Reads what a topic has missed, and answers when all that was published before has been handed out (<see cref="AddMark"/>).</param>
    /// <param name="onDrained">Called when all that waited was handed out, after there had been no room for more.</param>
    /// <param name="onUnsubscribed">Called when a topic's last subscription has ended.</param>
    /// <param name="logger">Told of subscribers that throw.</param>
    public Deliveries(int capacity, Func<Topic, Position, int, Task<TopicHistory>> readHistory, Action onDrained, Func<string, Task> onUnsubscribed, ILogger logger)
    {
        _capacity = capacity;
        _readHistory = readHistory;
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
                return _topics.Count;
        }
    }

    public IReadOnlyList<string> Topics
    {
        get
        {
            lock (_lock)
                return [.. _topics.Keys];
        }
    }

    public bool HasSubscribers => TopicCount > 0;

    public bool IsSubscribed(string topic)
    {
        lock (_lock)
            return _topics.ContainsKey(topic);
    }

    /// <summary>Takes in a message; called by the writer only, which bounds what waits here by <see cref="HasRoom"/>.</summary>
    public void Add(Publication publication)
    {
        Interlocked.Increment(ref _count);
        _pending.Writer.TryWrite((++_number, publication, null));
    }

    /// <summary>Messages of any topic may be missing here; called by the writer only.</summary>
    public void AddDoubt()
    {
        Interlocked.Increment(ref _count);
        _pending.Writer.TryWrite((++_number, null, null));
    }

    /// <summary>Completes the task when all that was added before has been handed out; called by the writer only.</summary>
    public void AddMark(TaskCompletionSource passed)
    {
        Interlocked.Increment(ref _count);
        _pending.Writer.TryWrite((_number, null, passed));
    }

    /// <summary>Subscribes to all that is added from now on; called by the writer only.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="listener">The listener.</param>
    /// <param name="latest">The topic's latest position.</param>
    public ITopicSubscription Subscribe(Topic topic, ITopicListener listener, Position latest)
    {
        lock (_lock)
        {
            if (_topics.TryGetValue(topic.Value, out var heard) && TryAdd(heard) is { } subscription)
                return subscription;
            var flow = new TopicFlow(topic, (after, limit) => _readHistory(topic, after, limit), TimeProvider.System, _logger);
            flow.Begin(latest);
            return TryAdd(_topics[topic.Value] = new Heard(flow, _number))!;
        }

        ITopicSubscription? TryAdd(Heard heard) => heard.Flow.TryAdd(listener, () => EndAsync(heard));
    }

    /// <summary>Ends the loop, when it has handed out what it has.</summary>
    public async Task StopAsync()
    {
        _pending.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async Task DeliverAsync()
    {
        await foreach (var (number, publication, passed) in _pending.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (publication is { Topic: var topic, Message: var message })
                Deliver(number, topic, message);
            else if (passed is not null)
                passed.TrySetResult();
            else
                Doubt();
            if (Interlocked.Decrement(ref _count) == 0)
                _onDrained();
        }
    }

    private void Deliver(long number, string topic, BackplaneMessage message)
    {
        Heard? heard;
        lock (_lock)
            heard = _topics.GetValueOrDefault(topic);
        if (number > heard?.After)
            heard.Flow.Take(message);
    }

    private void Doubt()
    {
        Heard[] topics;
        lock (_lock)
            topics = [.. _topics.Values];
        foreach (var heard in topics)
        {
            heard.Flow.Interrupt();
            heard.Flow.Restore();
        }
    }

    private ValueTask EndAsync(Heard heard)
    {
        var topic = heard.Flow.Topic;
        lock (_lock)
        {
            // Another one may have taken the place of one that has ended.
            if (!heard.Flow.HasEnded || _topics.GetValueOrDefault(topic.Value) != heard)
                return ValueTask.CompletedTask;
            _topics.Remove(topic.Value);
        }
        return new ValueTask(_onUnsubscribed(topic.Value));
    }

    /// <summary>A topic that this process hears.</summary>
    /// <param name="Flow">Its messages.</param>
    /// <param name="After">It is heard from the message after this one on.</param>
    private sealed record Heard(TopicFlow Flow, long After);
}
