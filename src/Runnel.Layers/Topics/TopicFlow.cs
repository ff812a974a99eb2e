using Microsoft.Extensions.Logging;
using Runnel.Layers.Topics;

namespace Runnel.Layers;

/// <summary>Brings one topic's messages in order, each once: holds them back while it is not known what was missed, reads that from the history, drops doubles, tells gaps.</summary>
/// <remarks>
/// For authors of layers. A layer makes one for each topic that its node subscribes to, which lives until its last subscription ends. The layer calls <see cref="Begin"/> once, <see cref="Take"/> for each message
/// as it comes, <see cref="Interrupt"/> when the wire breaks, and <see cref="Restore"/> when the topic is heard again. At most 16,384 messages, of 16 MiB together, are
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
public sealed class TopicFlow(Topic topic, Func<Position, int, Task<TopicHistory>>? readHistory, TimeProvider timeProvider, ILogger logger)
{
    private const int Page = 256;
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(10), LongestRest = TimeSpan.FromSeconds(1);

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
    private bool _isRestored;
    private bool _isFilling;
    private bool _isToFillAgain;

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
            var isKnown = !_isRestored || readHistory is null;
            _isRestored = false;
            if (isKnown && Release(evenAfterGap: readHistory is null))
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
            _held ??= new();
        }
    }

    /// <summary>The topic is heard again. What was missed is read from the history, or told.</summary>
    public void Restore()
    {
        lock (_delivery)
        {
            _isRestored |= _isInterrupted;
            _isInterrupted = false;
            if (readHistory is null && _hasBegun)
            {
                if (_isRestored)
                    TellDoubt();
                _isRestored = false;
                Release(evenAfterGap: true);
            }
        }
        if (readHistory is not null)
            _ = FillAsync();
    }

    /// <summary>Messages of the topic may be missing, and no history says which.</summary>
    public void Doubt()
    {
        lock (_delivery)
        {
            if (_hasBegun)
                TellDoubt();
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
                Release(evenAfterGap: true);
                return;
            }
        }
        _ = FillAsync();
    }

    // Reads what was missed from the history and hands it on, then what was held back. Tried until it works, or nobody listens any more.
    private async Task FillAsync()
    {
        lock (_delivery)
        {
            if (!_hasBegun)
                return;
            _held ??= new();
            _isToFillAgain = _isFilling; // what is being read may have been read before whatever this is called for
            if (_isFilling)
                return;
            _isFilling = true;
        }
        for (var rest = FirstRest; !HasEnded;)
        {
            try
            {
                if (Fill(await readHistory!(BeginRead(), Page).ConfigureAwait(false)))
                    return;
                rest = FirstRest;
            }
            catch (ObjectDisposedException)
            {
                return; // the layer ends
            }
            catch (Exception exception)
            {
                TopicLog.FillFailed(logger, exception, topic, rest);
                await Task.Delay(rest, timeProvider).ConfigureAwait(false);
                rest = rest * 2 < LongestRest ? rest * 2 : LongestRest;
            }
        }
    }

    private Position BeginRead()
    {
        lock (_delivery)
        {
            _held!.BeginRead();
            return _last;
        }
    }

    /// <summary>Hands on a page of history; whether that was all.</summary>
    private bool Fill(TopicHistory history)
    {
        lock (_delivery)
        {
            var hadNone = _last == Position.None;
            if (IsBeforeLast(history.Latest))
                Skip(history.Latest); // the history has lost its end, and the next messages take the places of those
            else
                HandOn(history);
            var isMore = history.HasMore || _isToFillAgain;
            _isToFillAgain = false;
            if (isMore)
                return false;
            if (_isRestored && hadNone && _last == Position.None)
                TellDoubt(); // the topic keeps no history
            _isRestored = false;
            _isFilling = !Release(evenAfterGap: history.Messages.Count == 0);
            return !_isFilling;
        }
    }

    private void HandOn(TopicHistory history)
    {
        var (messages, latest) = (history.Messages, history.Latest);
        // Of the rest, what is not there cannot be read, and was told when it was read.
        var isLost = !history.IsComplete || _last == Position.None;
        for (var i = 0; i < messages.Count; i++)
        {
            ReleaseUpTo(messages[i].Position, isLost);
            if (i == 0 && isLost)
                SkipTo(messages[i].Position);
            Deliver(messages[i]);
        }
        if (history.HasMore)
            return;
        ReleaseUpTo(latest, isLost);
        if (messages.Count == 0 && isLost && latest != _last)
            Skip(latest);
        Move(latest);
    }

    // What is held back was heard in this order: a kept message is not handed on before the plain ones that came before it, although the history holds
    // it, too.
    private void ReleaseUpTo(Position position, bool isLost)
    {
        var count = _held?.CountUpTo(position) ?? 0;
        for (var i = 0; i < count; i++)
        {
            var message = _held![i];
            if (message.Position is var heard && heard != Position.None && heard.Epoch != position.Epoch)
            {
                // Of an epoch that has ended: the history holds it in this one, unless that has another message in its place.
                _held.HasLost |= heard.Offset >= position.Offset;
                continue;
            }
            if (isLost)
                SkipTo(message.Position);
            Deliver(message);
        }
        _held?.RemoveFirst(count);
    }

    // Hands on what was held back, up to the next gap; whether that was all. What found no place behind it is in the history.
    private bool Release(bool evenAfterGap)
    {
        var held = _held ?? new();
        for (var i = 0; i < held.Count; i++)
        {
            if (IsGapBefore(held[i].Position))
            {
                var isOfOtherEpoch = IsOfOtherEpoch(held[i].Position);
                if (!evenAfterGap || (isOfOtherEpoch && !held.WasHeardBeforeRead(i)))
                {
                    held.RemoveFirst(i);
                    return false;
                }
                if (isOfOtherEpoch)
                {
                    held.HasLost |= held[i].Position.Offset > _last.Offset; // else the history held it, too
                    continue;
                }
                SkipTo(held[i].Position);
            }
            Deliver(held[i]);
        }
        if (held.HasLost)
            TellDoubt();
        _held = held.HasLeftOut || _isInterrupted ? new() : null;
        return !held.HasLeftOut;
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
    private bool IsOfOtherEpoch(Position position) => readHistory is not null && _last != Position.None && position.Epoch != _last.Epoch;

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
