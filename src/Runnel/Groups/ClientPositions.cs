using Runnel.Frames;
using Runnel.Layers;

namespace Runnel.Groups;

/// <summary>What a client of <c>runnel.v1</c> is told of its groups, and what it showed: the part of a <see cref="GroupMember"/> that only such a client has.</summary>
/// <remarks>
/// A position that the client has says that everything before it is done. So frames of groups with history line up behind an event that the consumer has not handled yet.
/// </remarks>
/// <param name="stream">The stream; empty for a socket of its own.</param>
/// <param name="owner">Whom its positions are sealed to.</param>
/// <param name="shown">What the client showed for this stream.</param>
/// <param name="seals">What gives positions their worth.</param>
/// <param name="waiting">Where what lines up behind an event takes its room. The event has its own where it waits for the consumer.</param>
internal sealed class ClientPositions(string stream, string owner, IEnumerable<ShownPosition> shown, PositionSeals seals, WaitingBytes waiting)
{
    private readonly List<ShownPosition> _shown = [.. shown];
    private readonly WaitingBytes _events = new(waiting.Max);
    private Dictionary<string, (ShownPosition Shown, Position Position)>? _claims; // by group, once somebody asks
    private List<JoinNotice>? _notices = []; // null once they are told
    private List<Func<Task>>? _comers = [];
    private Dictionary<string, (Position At, bool IsApart)>? _ahead; // by tag
    private Queue<GroupMessage>? _line;
    private TaskCompletionSource? _lineEnded;
    private bool _hasLost;
    private bool _isOver;

    public string Stream => stream;

    /// <summary>How many messages line up behind an event.</summary>
    public int LineCount => _line?.Count ?? 0;

    /// <summary>What the client showed of a group, if it is worth anything. It can be had once.</summary>
    public Position? Claim(GroupName group)
    {
        lock (this)
        {
            if (_notices is null)
                return null; // what nobody had claimed by then was told as lost
            if (_claims is null)
            {
                _claims = [];
                foreach (var position in _shown)
                {
                    if (seals.TryOpen(position, owner, out var name, out var place))
                        _claims.TryAdd(name, (position, place));
                }
            }
            if (!_claims.Remove(group.Value, out var claim))
                return null;
            _shown.Remove(claim.Shown);
            return claim.Position;
        }
    }

    /// <summary>The notice of a group that was joined.</summary>
    /// <param name="group">The group.</param>
    /// <param name="tag">What stands for it.</param>
    /// <param name="position">Where the client stands; <see langword="null"/> when the group keeps no history.</param>
    /// <param name="outcome">What became of it.</param>
    /// <returns>A frame to send, unless the notice waits until the consumer has connected.</returns>
    public Frame? Joined(GroupName group, string? tag, Position? position, JoinOutcome outcome)
    {
        var notice = position is { } place
            ? new JoinNotice(outcome, GroupPlace.TextOf(tag!, place), seals.Seal(group, place, stream, owner))
            : new JoinNotice(outcome);
        lock (this)
        {
            if (_notices is null)
                return ProtocolFrame.Joined(stream, [notice], lost: null);
            _notices.Add(notice);
            return null;
        }
    }

    /// <summary>The consumer has left a group.</summary>
    /// <returns>A frame to send, if the client knows of the group.</returns>
    public Frame? Left(string tag)
    {
        lock (this)
        {
            _ahead?.Remove(tag);
            if (_notices is null)
                return ProtocolFrame.Left(stream, tag);
            _notices.RemoveAll(notice => notice.Position?.StartsWith(tag + '.', StringComparison.Ordinal) == true);
            return null;
        }
    }

    /// <summary>The consumer has connected: what it joined, and what it did not.</summary>
    public Frame Release()
    {
        lock (this)
        {
            var frame = ProtocolFrame.Joined(stream, _notices!, _shown.Select(position => position.Position));
            (_notices, _claims) = (null, null);
            _shown.Clear();
            return frame;
        }
    }

    /// <summary>Somebody has to catch up.</summary>
    /// <returns>Whether it begins now: else it begins when the consumer has connected.</returns>
    public bool BeginsNow(Func<Task> comer)
    {
        lock (this)
        {
            if (_comers is null)
                return true;
            _comers.Add(comer);
            return false;
        }
    }

    /// <summary>Those who catch up, once the consumer has connected.</summary>
    public List<Func<Task>> TakeComers()
    {
        lock (this)
        {
            var comers = _comers ?? [];
            _comers = null;
            return comers;
        }
    }

    /// <summary>The client has messages that this node has not heard yet.</summary>
    /// <param name="tag">What stands for their group.</param>
    /// <param name="at">The last position that the client has.</param>
    /// <param name="isApart">Whether the history has gone on in another epoch, where the client is and the node is not.</param>
    public void IsAhead(string tag, Position at, bool isApart = false)
    {
        lock (this)
            (_ahead ??= [])[tag] = (at, isApart);
    }

    /// <summary>Whether a live message is one that the client does not have, or a gap is one that it has not passed.</summary>
    public bool IsNews(GroupPlace place)
    {
        if (Volatile.Read(ref _ahead) is null)
            return true;
        lock (this)
        {
            if (_ahead is null || place.Tag is null || !_ahead.TryGetValue(place.Tag, out var ahead))
                return true;
            if (place.IsGap && place.Position == Position.None)
                return true; // nobody knows what is missing, and the client is ahead all the same
            // Where nothing is missing, an epoch goes on with the offsets of the one before.
            var isBefore = place.Position.Offset <= ahead.At.Offset;
            if (isBefore && (!place.IsGap || (place.IsReported && place.Position.Epoch == ahead.At.Epoch)))
                return false;
            if (isBefore && ahead.IsApart && place.Position.Epoch == ahead.At.Epoch)
            {
                _ahead[place.Tag] = (ahead.At, IsApart: false);
                return false; // the node comes to the epoch in which the client is
            }
            _ahead.Remove(place.Tag);
            if (_ahead.Count == 0)
                _ahead = null;
            return true;
        }
    }

    /// <summary>Lines a message up: an event, or what comes behind one.</summary>
    /// <param name="message">The message.</param>
    /// <param name="overflow">How many line up, if there is no room for this one; otherwise <see langword="null"/>.</param>
    /// <returns>Whether it has to wait for an event to be handled.</returns>
    public bool TryLineUp(GroupMessage message, out int? overflow)
    {
        overflow = null;
        lock (this)
        {
            if (LineCount == 0 && !IsEvent(message) && !_hasLost)
                return false;
            if (_isOver)
            {
                if (!IsEvent(message))
                    LayerTelemetry.MessagesDropped("connection-gone");
                return true;
            }
            // After a loss nothing goes out: the position of what follows would say that the client has what was lost.
            _hasLost = _hasLost || !RoomOf(message).TryTake(message);
            if (_hasLost)
                overflow = LineCount;
            else
                (_line ??= new()).Enqueue(message);
            return true;
        }
    }

    /// <summary>An event was handled: what waited for it goes out, or else its position does.</summary>
    /// <param name="message">The event.</param>
    /// <param name="post">Called for what goes out, in order; nothing overtakes it.</param>
    public void Handled(GroupMessage message, Action<GroupMessage> post)
    {
        lock (this)
        {
            if (_line is null || !_line.TryPeek(out var first) || first != message)
                return;
            Dequeue();
            if (!_line.TryPeek(out var behind) || IsEvent(behind))
                post(message);
            while (_line.TryPeek(out var next) && !IsEvent(next))
            {
                post(next);
                Dequeue();
            }
            if (_line.Count == 0)
            {
                _line = null;
                _lineEnded?.TrySetResult();
                _lineEnded = null;
            }
        }
    }

    /// <summary>Completes when no message lines up, or the connection is over.</summary>
    public Task LineEndedAsync()
    {
        lock (this)
        {
            if (_line is null || _isOver)
                return Task.CompletedTask;
            return (_lineEnded ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>The connection is over: nobody waits any more, and no frame that lines up goes out.</summary>
    public void End()
    {
        lock (this)
        {
            _isOver = true;
            if (_line is { } line)
            {
                // What is behind a frame that was dropped gets no position.
                _line = new(line.TakeWhile(IsEvent));
                foreach (var dropped in line.Skip(_line.Count))
                    RoomOf(dropped).GiveBack(dropped);
                LayerTelemetry.MessagesDropped("connection-gone", line.Count(static message => !IsEvent(message)));
            }
            _lineEnded?.TrySetResult();
        }
    }

    private static bool IsEvent(GroupMessage message) => message is { IsEvent: true, IsGap: false };

    private void Dequeue()
    {
        var first = _line!.Dequeue();
        RoomOf(first).GiveBack(first);
    }

    // An event has its room where it waits for the consumer. Once that has refused one, the connection is being closed, and the line must not grow meanwhile.
    private WaitingBytes RoomOf(GroupMessage message) => IsEvent(message) ? _events : waiting;
}
