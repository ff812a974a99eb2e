using Runnel.Layers.Topics;

namespace Runnel.Layers;

/// <content>Fills what was missed from the history.</content>
public sealed partial class TopicFlow
{
    private const int Page = 256;
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(10), LongestRest = TimeSpan.FromSeconds(1);

    private bool _isFilling;
    private bool _isToFillAgain;

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
            _isFilling = !Release(evenAfterGap: history.Messages.Count == 0, keepsHistory: !hadNone || _last != Position.None);
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
            if (_held![i].Message.Position is var heard && heard != Position.None && heard.Epoch != position.Epoch)
                _held.HasLost |= heard.Offset >= position.Offset; // of an epoch that has ended: the history holds it in this one, unless that has another message in its place
            else
                HandOn(_held[i], keepsHistory: true, isLost);
        }
        _held?.RemoveFirst(count);
    }
}
