using Microsoft.Extensions.Logging;
using Runnel.Layers.Topics;

namespace Runnel.Layers;

/// <summary>Brings one topic's messages in order, each once: holds them back while it is not known what was missed, reads that from the history, drops doubles, tells gaps.</summary>
/// <remarks>
/// For authors of layers. A layer makes one for each topic that its node subscribes to, which lives until its last subscription ends. The layer calls <see cref="Begin"/> once, <see cref="Take"/> for each message
/// as it comes, <see cref="Interrupt"/> when the wire breaks, and <see cref="Restore"/> when the topic is heard again.
/// Call the last two in the order in which that happens: a late <see cref="Restore"/> would end the next interruption too early. At most 16,384 messages, of 16 MiB together, are
/// held back; of the others, kept ones are read from the history, and the rest are counted as dropped and told as a gap. Thread-safe.
/// <example>
/// <code>
/// var flow = new TopicFlow(topic, ReadHistoryAsync, TimeProvider.System, logger);
/// var subscription = flow.TryAdd(listener, onEnd);
/// await SubscribeOnTheWireAsync(topic, flow.Take);
/// flow.Begin(await LatestAsync(topic)); // read after the wire is there: what came in between is told apart by its position
/// return subscription;
/// </code>
/// </example>
/// </remarks>
/// <param name="topic">The topic.</param>
/// <param name="readHistory">
/// Reads a page of history after a position. It is called again until it answers, throws an <see cref="ObjectDisposedException"/>, or nobody listens.
/// <see langword="null"/> for a layer without history, or one that cannot miss a message.
/// </param>
/// <param name="timeProvider">The clock for the rests between the tries.</param>
/// <param name="logger">Where it logs gaps, and listeners that throw.</param>
public sealed partial class TopicFlow(Topic topic, Func<Position, int, Task<TopicHistory>>? readHistory, TimeProvider timeProvider, ILogger logger)
{
    // Held while listeners are called, so that nothing is delivered out of order.
    private readonly Lock _delivery = new();

    // Guards what a new subscription has to see as one: where the topic is, and who is handed what follows. Nothing is called under it, so a listener may subscribe.
    private readonly Lock _place = new();
    private TopicSubscription[] _subscriptions = [];
    private Position _last;

    private HeldMessages? _held = new(); // null while nothing is held back
    private bool _hasEnded;
    private bool _hasBegun;
    private bool _isInterrupted;
    private bool _isBehind; // restored before it had begun, so the position that it begins with may be an old one

    /// <summary>The topic.</summary>
    public Topic Topic => topic;

    /// <summary>Whether the last subscription has ended. The layer lets go of the topic then.</summary>
    public bool HasEnded => Volatile.Read(ref _hasEnded);

    /// <summary>Adds a listener. It is handed what follows from now on.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="onEnd">Called once, when the subscription has ended.</param>
    /// <returns>The subscription; where it begins is known once the flow has begun. <see langword="null"/> if the flow has ended: make another one.</returns>
    public ITopicSubscription? TryAdd(ITopicListener listener, Func<ValueTask> onEnd)
    {
        ArgumentNullException.ThrowIfNull(listener);
        ArgumentNullException.ThrowIfNull(onEnd);
        lock (_place)
        {
            if (_hasEnded)
                return null;
            var subscription = new TopicSubscription(topic, listener, logger, ended => End(ended, onEnd)) { Begins = _last };
            _subscriptions = [.. _subscriptions, subscription];
            return subscription;
        }
    }

    /// <summary>The topic is heard, and this was its latest position at some moment after that. Only the first call counts.</summary>
    public void Begin(Position latest)
    {
        lock (_delivery)
        {
            if (_hasBegun)
                return;
            _hasBegun = true;
            lock (_place)
            {
                _last = latest;
                foreach (var subscription in _subscriptions)
                    subscription.Begins = latest;
            }
            var isKnown = !_isBehind || readHistory is null;
            if (isKnown && Release(evenAfterGap: readHistory is null, keepsHistory: readHistory is not null && latest != Position.None))
                return;
        }
        _ = FillAsync();
    }

    /// <summary>The wire is broken: until <see cref="Restore"/> nobody knows what is missed.</summary>
    public void Interrupt()
    {
        lock (_delivery)
        {
            _isInterrupted = true;
            (_held ??= new()).AddDoubt(HeldDoubt.Broken);
        }
    }

    /// <summary>The topic is heard again. What was missed is read from the history, or told.</summary>
    public void Restore()
    {
        lock (_delivery)
        {
            _isBehind |= _isInterrupted && !_hasBegun;
            _isInterrupted = false;
            _held?.Mend(isToBeTold: _hasBegun);
            if (readHistory is null && _hasBegun)
                Release(evenAfterGap: true, keepsHistory: false);
        }
        if (readHistory is not null)
            _ = FillAsync();
    }

    /// <summary>Messages of the topic may be missing, and no history says which.</summary>
    public void Doubt()
    {
        lock (_delivery)
        {
            if (!_hasBegun)
                return;
            if (_held is null)
                TellDoubt();
            else
                _held.AddDoubt(HeldDoubt.Certain);
        }
    }

    /// <summary>Takes a message as it comes.</summary>
    public void Take(BackplaneMessage message)
    {
        lock (_delivery)
        {
            if (_held is null && !IsGapBefore(message.Position))
            {
                Deliver(message);
                return;
            }
            (_held ??= new()).Add(message, canBeRead: message.Position != Position.None && readHistory is not null);
            if (_isFilling || !_hasBegun || !IsGapBefore(message.Position))
                return;
            if (readHistory is null)
            {
                Release(evenAfterGap: true, keepsHistory: false);
                return;
            }
        }
        _ = FillAsync();
    }

    // Hands on what was held back, up to the next gap, or to where the wire is broken if that has to be told when it is whole; whether nothing is left to read. What found no
    // place behind it is in the history.
    private bool Release(bool evenAfterGap, bool keepsHistory)
    {
        var held = _held ?? new();
        for (var i = 0; i < held.Count; i++)
        {
            var position = held[i].Message.Position;
            var isOfOtherEpoch = IsOfOtherEpoch(position);
            var isToBeRead = IsGapBefore(position) && (!evenAfterGap || (isOfOtherEpoch && !held.WasHeardBeforeRead(i)));
            if (isToBeRead || (held[i].IsBroken && !keepsHistory))
            {
                held.RemoveFirst(i);
                return !isToBeRead;
            }
            if (isOfOtherEpoch)
                held.HasLost |= position.Offset > _last.Offset; // else the history held it, too
            else
                HandOn(held[i], keepsHistory, isLost: true);
        }
        if (held.HasLost)
            TellDoubt();
        _held = held.HasLeftOut || _isInterrupted ? new() : null;
        return !held.HasLeftOut;
    }

    private void HandOn(HeldMessage held, bool keepsHistory, bool isLost)
    {
        if (held.IsTold(keepsHistory))
            TellDoubt();
        if (held.Doubt != HeldDoubt.None)
            return;
        if (isLost)
            SkipTo(held.Message.Position);
        Deliver(held.Message);
    }

    private void Deliver(BackplaneMessage message)
    {
        var subscriptions = Volatile.Read(ref _subscriptions);
        if (message.Position is var position && position != Position.None)
        {
            if (position.Epoch == _last.Epoch && position.Offset <= _last.Offset)
                return; // a double
            subscriptions = Move(position);
        }
        foreach (var subscription in subscriptions)
            subscription.OnMessage(message);
    }

    // In a topic without history so far, nothing is missed if its first message is there. A message of another epoch says nothing about what was missed:
    // the history does.
    private bool IsGapBefore(Position position) =>
        position != Position.None && (_last == Position.None || position.Epoch == _last.Epoch ? position.Offset > _last.Offset + 1 : true);

    // When the history has been read to its end, a message of another epoch that was heard before it was read is of an epoch that has ended. One that was
    // heard later may be of an epoch that has begun since.
    private bool IsOfOtherEpoch(Position position) => readHistory is not null && _last != Position.None && position != Position.None && position.Epoch != _last.Epoch;

    private bool IsBeforeLast(Position latest) => latest != Position.None && latest.Epoch == _last.Epoch && latest.Offset < _last.Offset;

    private void SkipTo(Position position)
    {
        if (IsGapBefore(position))
            Skip(position with { Offset = position.Offset - 1 });
    }

    private void Skip(Position to)
    {
        var gap = new TopicGap(_last, to);
        TopicLog.GapTold(logger, topic, gap.After, gap.Resumes);
        foreach (var subscription in Move(to))
            subscription.OnGap(gap);
    }

    private void TellDoubt()
    {
        TopicLog.DoubtTold(logger, topic);
        foreach (var subscription in Volatile.Read(ref _subscriptions))
            subscription.OnGap(TopicGap.Unknown);
    }

    private TopicSubscription[] Move(Position to)
    {
        lock (_place)
        {
            _last = to;
            return _subscriptions;
        }
    }

    private ValueTask End(TopicSubscription ended, Func<ValueTask> onEnd)
    {
        lock (_place)
        {
            _subscriptions = [.. _subscriptions.Where(other => other != ended)];
            _hasEnded = _subscriptions.Length == 0;
        }
        return onEnd();
    }
}
