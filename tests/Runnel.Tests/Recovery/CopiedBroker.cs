using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Recording;

namespace Runnel.Tests.Recovery;

/// <summary>A broker with the history of one group, whose place a copy takes as a replica of Redis does. A node hears nothing of that until the test says so; what it reads comes from the copy at once.</summary>
internal sealed class CopiedBroker(GroupName group)
{
    private readonly InMemoryBackplane _others = new(TimeProvider.System); // topics that have nothing to do with it, such as the states
    private readonly Lock _lock = new();
    private readonly List<ReadOnlyMemory<byte>> _log = [];
    private readonly List<View> _views = [];
    private readonly Topic _topic = Topic.OfGroup(group);
    private long _epoch = 1;
    private long _ended; // the last offset of the first epoch on the copy
    private bool _isShort; // somebody had more of it

    /// <summary>How many of the latest messages are kept.</summary>
    public int Kept { get; init; } = 1000;

    /// <summary>What a node sees of it.</summary>
    public View CreateView()
    {
        var view = new View(this);
        _views.Add(view);
        return view;
    }

    /// <summary>A copy takes the broker's place that lacks so many messages.</summary>
    public void TakePlace(int lacking)
    {
        foreach (var view in _views)
            view.Lose();
        lock (_lock)
        {
            _log.RemoveRange(_log.Count - lacking, lacking);
            (_epoch, _ended) = (2, _log.Count);
        }
    }

    private Position Publish(ReadOnlyMemory<byte> payload)
    {
        BackplaneMessage message;
        lock (_lock)
        {
            _log.Add(payload.ToArray());
            message = new BackplaneMessage(new Position(_epoch, _log.Count), _log[^1]);
        }
        foreach (var view in _views)
            view.Hear(flow => flow.Take(message));
        return message.Position;
    }

    private TopicHistory Read(Position after, int limit)
    {
        var (wasShort, isComplete) = (_isShort, true);
        lock (_lock)
        {
            if (_log.Count == 0)
                return new TopicHistory([], Position.None, after == Position.None, HasMore: false);
            if (after != Position.None && after.Epoch != _epoch)
            {
                _isShort |= after.Offset > _ended;
                isComplete = !_isShort;
                after = new Position(_epoch, Math.Min(after.Offset, _ended));
            }
            var first = Math.Max(0, _log.Count - Kept);
            isComplete &= after == Position.None || after.Offset >= first;
            var messages = Enumerable.Range(1, _log.Count).Skip((int)Math.Max(first, after.Offset)).Take(limit).Select(offset => new BackplaneMessage(new Position(_epoch, offset), _log[offset - 1])).ToList();
            var last = messages is [.., var latest] ? latest.Position.Offset : _log.Count;
            var history = new TopicHistory(messages, new Position(_epoch, _log.Count), isComplete, HasMore: limit > 0 && last < _log.Count);
            if (wasShort == _isShort)
                return history;
            _views.ForEach(view => view.Hear(flow => flow.Doubt()));
            return history;
        }
    }

    /// <summary>The broker as one node sees it.</summary>
    internal sealed class View(CopiedBroker broker) : IBackplane
    {
        private readonly List<TopicFlow> _flows = [];
        private bool _isCutOff;

        public BackplaneFeatures Features => broker._others.Features;

        public BackplaneState State => BackplaneState.Connected;

        public event Action<BackplaneState>? StateChanged
        {
            add { }
            remove { }
        }

        /// <summary>The wire is broken.</summary>
        public void Lose()
        {
            _isCutOff = true;
            _flows.ForEach(flow => flow.Interrupt());
        }

        /// <summary>The node hears again.</summary>
        public void Follow()
        {
            _isCutOff = false;
            _flows.ForEach(flow => flow.Restore());
        }

        public void Hear(Action<TopicFlow> hear)
        {
            if (!_isCutOff)
                _flows.ForEach(hear);
        }

        public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
            topic == broker._topic ? ValueTask.FromResult(broker.Publish(payload)) : broker._others.PublishAsync(topic, payload, retention, cancellationToken);

        public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
        {
            if (topic != broker._topic)
                return broker._others.SubscribeAsync(topic, listener, cancellationToken);
            var flow = new TopicFlow(topic, (after, limit) => Task.FromResult(broker.Read(after, limit)), TimeProvider.System, new RecordedLog().CreateLogger(nameof(CopiedBroker)));
            var subscription = flow.TryAdd(listener, () => ValueTask.CompletedTask)!;
            _flows.Add(flow);
            flow.Begin(broker.Read(Position.None, 0).Latest);
            return ValueTask.FromResult(subscription);
        }

        public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
            topic == broker._topic ? ValueTask.FromResult(broker.Read(after, limit)) : broker._others.ReadHistoryAsync(topic, after, limit, cancellationToken);
    }
}
