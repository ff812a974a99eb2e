using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Topics;

/// <summary>One topic that this node subscribes to: hands its messages on in order, each once, and fills the gaps that a lost connection left.</summary>
/// <remarks>
/// While it is not known what was missed, what comes is held back; then comes what was missed, and then what was held back, without doubles. One lock
/// holds that together; subscribers are called under it, so that nothing is delivered out of order, or after a subscription's end.
/// </remarks>
internal sealed class RedisTopic(Topic name, Func<Topic, Position, int, Task<TopicHistory>> readHistory, ILogger logger)
{
    private const int Page = 256;
    private const int MostHeld = 16_384;

    private readonly Lock _lock = new();
    private RedisSubscription[] _subscriptions = [];
    private List<BackplaneMessage>? _held = [];
    private bool _heldTooMany;
    private bool _isFilling;
    private bool _isToFillAgain;
    private bool _hasBegun;
    private Position _last;

    public Topic Name => name;

    /// <summary>Completes when the topic is subscribed to.</summary>
    public Task Subscribed { get; set; } = Task.CompletedTask;

    /// <summary>The last position that was handed on.</summary>
    public Position Last
    {
        get
        {
            lock (_lock)
                return _last;
        }
    }

    public bool HasSubscriptions => Volatile.Read(ref _subscriptions).Length > 0;

    public void Add(RedisSubscription subscription) => Change(subscriptions => [.. subscriptions, subscription]);

    public void Remove(RedisSubscription subscription) => Change(subscriptions => [.. subscriptions.Where(other => other != subscription)]);

    /// <summary>The topic begins here: what comes after this position is what its subscribers are owed.</summary>
    public void Begin(Position latest)
    {
        lock (_lock)
        {
            if (_hasBegun)
                return;
            (_hasBegun, _last) = (true, latest);
            if (Release())
                return;
        }
        _ = FillAsync();
    }

    /// <summary>The connection is lost: until <see cref="FillAsync"/> nobody knows what is missed.</summary>
    public void HoldBack()
    {
        lock (_lock)
            _held ??= [];
    }

    /// <summary>Takes a message as it comes.</summary>
    public void Take(BackplaneMessage message)
    {
        lock (_lock)
        {
            if (_held is null && !IsGapBefore(message.Position))
            {
                Deliver(message);
                return;
            }
            Hold(message);
            if (_isFilling || !_hasBegun || !IsGapBefore(message.Position))
                return;
            Log.GapFound(logger, name.Value);
        }
        _ = FillAsync();
    }

    /// <summary>Reads what was missed from the history, and hands it on; then what was held back. Tried until it works, or nobody listens any more.</summary>
    public async Task FillAsync()
    {
        lock (_lock)
        {
            if (!_hasBegun)
                return;
            _held ??= [];
            _isToFillAgain = _isFilling; // what is being read may have been read before whatever this is called for
            if (_isFilling)
                return;
            _isFilling = true;
        }
        var backoff = new Backoff();
        while (HasSubscriptions)
        {
            try
            {
                if (Fill(await readHistory(name, _last, Page).ConfigureAwait(false)))
                    return;
            }
            catch (ObjectDisposedException)
            {
                return; // the layer ends
            }
            catch (Exception exception)
            {
                Log.FillFailed(logger, name.Value, exception);
                await Task.Delay(backoff.Next(), TimeProvider.System).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Hands on a page of history; whether that was all.</summary>
    private bool Fill(TopicHistory history)
    {
        lock (_lock)
        {
            var latest = history.Latest;
            if (latest.Epoch == _last.Epoch && latest.Offset < _last.Offset)
            {
                // What it holds was handed on before. What took the places of what is lost cannot be told from it.
                Log.EndLost(logger, name.Value, latest.ToString());
                _last = latest;
            }
            else
            {
                HandOn(history);
            }
            var (isTooMuch, isMore) = (_heldTooMany, history.HasMore || _isToFillAgain);
            (_heldTooMany, _isToFillAgain) = (false, false);
            if (isMore || !Release(evenAfterGap: history.Messages.Count == 0))
                return false;
            if (!isTooMuch)
                return true;
            (_held, _isFilling) = ([], true); // what found no place behind that is in the history
            return false;
        }
    }

    private void HandOn(TopicHistory history)
    {
        var (messages, latest) = (history.Messages, history.Latest);
        // Of the rest, what is not there cannot be read, and was told when it was read.
        var isLost = (!history.IsComplete || _last == Position.None) && latest != Position.None;
        for (var i = 0; i < messages.Count; i++)
        {
            ReleaseUpTo(messages[i].Position, isLost);
            if (i == 0 && isLost)
                TellGapBefore(messages[i].Position);
            Deliver(messages[i]);
        }
        if (history.HasMore)
            return;
        ReleaseUpTo(latest, isLost);
        if (messages.Count == 0 && isLost)
            TellGapBefore(latest with { Offset = latest.Offset + 1 });
        _last = latest;
    }

    // What is held back was heard in this order: a kept message is not handed on before the plain ones that came before it, although the history holds
    // it, too.
    private void ReleaseUpTo(Position position, bool isLost)
    {
        var count = 0;
        for (var i = 0; i < _held?.Count; i++)
        {
            if (_held[i].Position is var heard && (heard == Position.None || heard.Epoch != position.Epoch))
                continue;
            if (heard.Offset > position.Offset)
                break;
            count = i + 1;
        }
        for (var i = 0; i < count; i++)
        {
            if (isLost)
                TellGapBefore(_held![i].Position);
            Deliver(_held![i]);
        }
        _held?.RemoveRange(0, count);
    }

    private void TellGapBefore(Position position)
    {
        if (IsGapBefore(position))
            Log.GapLost(logger, name.Value, position.ToString());
    }

    // Hands on what was held back, up to the next gap; whether that was all.
    private bool Release(bool evenAfterGap = false)
    {
        var held = _held ?? [];
        for (var i = 0; i < held.Count; i++)
        {
            if (IsGapBefore(held[i].Position) && !evenAfterGap)
            {
                _held = held[i..];
                return false;
            }
            Deliver(held[i]);
        }
        _held = null;
        _isFilling = false;
        return true;
    }

    private void Hold(BackplaneMessage message)
    {
        _held ??= [];
        if (_held.Count < MostHeld)
        {
            _held.Add(message);
            return;
        }
        _heldTooMany = true;
        if (message.Position == Position.None)
            RedisTelemetry.MessagesWereDropped("outage", 1);
    }

    // In a new history nothing is missed if its first message is there.
    private bool IsGapBefore(Position position) =>
        position != Position.None && position.Offset > (position.Epoch == _last.Epoch ? _last.Offset : 0) + 1;

    private void Deliver(BackplaneMessage message)
    {
        if (message.Position is var position && position != Position.None)
        {
            if (position.Epoch == _last.Epoch && position.Offset <= _last.Offset)
                return; // a double
            _last = position;
        }
        foreach (var subscription in _subscriptions)
        {
            try
            {
                subscription.Deliver(message);
            }
            catch (Exception exception)
            {
                Log.SubscriberFailed(logger, name.Value, exception);
            }
        }
    }

    // Not under the lock that is held while subscribers are called: one of them may subscribe, or end a subscription.
    private void Change(Func<RedisSubscription[], RedisSubscription[]> change)
    {
        var before = _subscriptions;
        while (Interlocked.CompareExchange(ref _subscriptions, change(before), before) is var found && found != before)
            before = found;
    }
}
