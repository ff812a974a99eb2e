using Microsoft.Extensions.Logging;
using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory.Topics;

/// <summary>One topic of the in-memory backplane: its subscribers, its history, and the messages on their way to the former.</summary>
internal sealed class InMemoryTopic(Topic name, ILogger logger)
{
    private static long _lastEpoch = Random.Shared.NextInt64(1, long.MaxValue / 2);

    private readonly Lock _lock = new();
    private readonly Queue<BackplaneMessage> _pending = new();
    private readonly Queue<(BackplaneMessage Message, long At)> _history = new();
    private readonly long _epoch = Interlocked.Increment(ref _lastEpoch);
    private TopicFlow? _flow;
    private TimeSpan _age;
    private long _offset;
    private bool _delivering;
    private bool _retired;

    public Topic Name { get; } = name;

    private Position Latest => _offset == 0 ? Position.None : new Position(_epoch, _offset);

    /// <summary>Whether the backplane will come back to look at the history's age; its lock guards it.</summary>
    public bool IsAging { get; set; }

    /// <summary>When the newest message of the history has aged out, by the backplane's clock, in ticks.</summary>
    public long HistoryEnds { get; private set; }

    /// <summary>When the topic's position is forgotten.</summary>
    public long PositionEnds { get; private set; }

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
            if (_flow is { HasEnded: false })
                _pending.Enqueue(message);
            return true;
        }
    }

    /// <summary>Hands pending messages to the subscribers, unless another thread is doing so: then that one takes them along.</summary>
    public void Deliver()
    {
        for (var first = true; ; first = false)
        {
            BackplaneMessage message;
            TopicFlow flow;
            lock (_lock)
            {
                if (first && _delivering)
                    return;
                _delivering = _pending.TryDequeue(out message);
                if (!_delivering)
                    return;
                flow = _flow!;
            }
            flow.Take(message);
        }
    }

    public ITopicSubscription? TrySubscribe(ITopicListener listener, Action<InMemoryTopic> onEmpty)
    {
        lock (_lock)
        {
            if (_retired)
                return null;
            return _flow?.TryAdd(listener, OnEnd) ?? Begin().TryAdd(listener, OnEnd);
        }

        ValueTask OnEnd()
        {
            onEmpty(this);
            return ValueTask.CompletedTask;
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

    /// <summary>Ends the topic when it has no subscriber, no history and no position; from then on it takes nothing.</summary>
    public bool TryRetire(long now)
    {
        lock (_lock)
        {
            ForgetAged(now);
            return _retired = _flow is not { HasEnded: false } && _history.Count == 0 && PositionEnds <= now;
        }
    }

    // Nothing gets lost on the way to it, so it never reads the history.
    private TopicFlow Begin()
    {
        _flow = new TopicFlow(Name, readHistory: null, TimeProvider.System, logger);
        _flow.Begin(Latest);
        return _flow;
    }

    private void Keep(BackplaneMessage message, Retention retention, long now)
    {
        _age = retention.Age;
        HistoryEnds = Ticks.Later(now, retention.Age);
        PositionEnds = Ticks.Later(now, retention.PositionAge);
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
}
