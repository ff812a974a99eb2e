using Runnel.Frames;
using Runnel.Layers;

namespace Runnel.Groups;

/// <summary>A connection as its groups know it: the half that stays with the socket, wherever the consumer is at work.</summary>
/// <remarks>
/// A frame goes straight into the client's queue, and an event to whoever runs the consumer. Frames that arrive while the consumer connects are held, so
/// that what it sends itself comes first. Every frame of every group takes this path once for each member, so nothing on it is a virtual call.
/// </remarks>
/// <param name="number">The number of the connection on this node.</param>
/// <param name="queue">What waits for the client.</param>
/// <param name="form">
/// In which form the client gets messages: <see langword="null"/> when it has the socket to itself, the name of its stream on a shared one, <see cref="ClientPositions"/> when it speaks
/// <c>runnel.v1</c>. One field for all three, so that a connection without recovery costs nothing for it.
/// </param>
/// <param name="events">Whoever runs the consumer.</param>
/// <param name="waiting">Where what is held while the consumer connects takes its room.</param>
internal sealed class GroupMember(long number, OutboundQueue queue, object? form, IEventSink events, WaitingBytes waiting)
{
    private JoinedGroups _groups;
    private volatile HeldFrames? _held = new(waiting);

    public long Number { get; } = number;

    /// <summary>A stream of the same socket.</summary>
    public GroupMember OfStream(long streamNumber, object streamForm, IEventSink streamEvents) => new(streamNumber, queue, streamForm, streamEvents, waiting);

    /// <summary>What a client of <c>runnel.v1</c> is told; <see langword="null"/> for any other.</summary>
    public ClientPositions? Client => form as ClientPositions;

    /// <summary>Whether its endpoint's policy drops messages of groups, so that no position of it would be true.</summary>
    public bool MayDrop => queue.MayDrop;

    /// <summary>How many groups it is in.</summary>
    public int GroupCount
    {
        get
        {
            lock (this)
                return _groups.Count;
        }
    }

    /// <summary>Hands over a group's message. Never waits; called by one thread at a time for each group.</summary>
    /// <returns>The queue that the caller has to drain, if any.</returns>
    public OutboundQueue? Deliver(GroupMessage message)
    {
        if (message.Place is { } place && form is ClientPositions client)
            return client.IsNews(place) && TakeKept(message, client) ? queue : null;
        if (message.IsEvent)
        {
            events.Post(message);
            return null;
        }
        if (_held is { } held && TryHold(held, message))
            return null;
        return queue.Post(FrameOf(message)) ? queue : null;
    }

    /// <summary>Hands over a message that the client missed earlier. Waits for the client, and for the consumer to handle an event. To be followed by <see cref="FlushReplay"/>.</summary>
    public ValueTask ReplayAsync(GroupMessage message, ClientPositions client)
    {
        if (!message.IsEvent && client.LineCount == 0 && queue.TryReplay(FrameOf(message)))
            return ValueTask.CompletedTask;
        queue.Flush();
        return ReplayLaterAsync(message, client);
    }

    /// <summary>Writes what was replayed.</summary>
    public void FlushReplay() => queue.Flush();

    private async ValueTask ReplayLaterAsync(GroupMessage message, ClientPositions client)
    {
        await client.LineEndedAsync();
        if (!message.IsEvent)
        {
            await queue.ReplayAsync(FrameOf(message));
            return;
        }
        LineUp(message, client);
        events.Post(message);
        await client.LineEndedAsync();
    }

    /// <summary>The consumer has handled an event of a group with history.</summary>
    public void Handled(GroupMessage message)
    {
        if (form is not ClientPositions client)
            return;
        var drain = false;
        client.Handled(message, released => drain |= queue.Post(FrameOf(released)));
        if (drain)
            queue.Drain();
    }

    /// <summary>The client has messages of a group that this node has not heard yet, so it must not get them again.</summary>
    public void IsAhead(string tag, Position at, bool isApart) => Client?.IsAhead(tag, at, isApart);

    /// <summary>Tells the client of a group that the connection has joined.</summary>
    /// <param name="group">The group.</param>
    /// <param name="position">Where the client stands; <see langword="null"/> when the group keeps no history, <see cref="Position.None"/> when it has none now.</param>
    /// <param name="outcome">What became of it.</param>
    public void TellJoined(Group group, Position? position, JoinOutcome outcome) =>
        PostLater(Client?.Joined(group.Name, group.Tag, position == Position.None ? null : position, outcome));

    /// <summary>Hands over an event that was sent to this connection alone.</summary>
    public void PostEvent(GroupMessage message) => events.Post(message);

    /// <summary>The consumer has connected: what was held goes out, and from here on nothing is held.</summary>
    /// <returns>What failed, if anything did. Messages whose form for this connection cannot be made are dropped; the others go out.</returns>
    public Exception? Release()
    {
        var drain = false;
        Exception? failure = null;
        lock (this)
        {
            // A stream that was closed while it connected has told its client so, and says no more.
            if (_groups.IsEnded)
                _held?.Drop();
            else
                LetGo();
            _held = null;
        }
        if (drain)
            queue.Drain();
        return failure;

        void LetGo()
        {
            if (form is ClientPositions client)
                drain |= queue.Post(client.Release());
            _held?.Release(Post);
        }

        void Post(GroupMessage message)
        {
            try
            {
                if (message.Place is not null && form is ClientPositions client && LineUp(message, client))
                    return;
                drain |= queue.Post(FrameOf(message));
            }
            catch (Exception exception)
            {
                failure = exception;
                LayerTelemetry.MessagesDropped("unreadable");
            }
        }
    }

    /// <summary>Joins a group, unless the connection is over already.</summary>
    /// <param name="group">The group.</param>
    /// <param name="isComer">Whether it gets nothing of the group until it enters.</param>
    /// <param name="subscribe">Subscribes to the group's topic.</param>
    public JoinResult Join(Group group, bool isComer, Func<Task<IAsyncDisposable>> subscribe)
    {
        // Lock order: member (its groups), then group (its members), then held frames, session or queue. Never back.
        lock (this)
        {
            if (_groups.IsEnded)
                return JoinResult.MemberEnded;
            if (!group.Add(this, isComer, subscribe))
                return JoinResult.GroupRetired;
            return _groups.Add(group) ? JoinResult.Joined : JoinResult.WasMember;
        }
    }

    /// <summary>Leaves a group.</summary>
    /// <returns>Whether it was in it.</returns>
    public bool Leave(Group group)
    {
        lock (this)
        {
            if (!_groups.Remove(group))
                return false;
            group.Remove(this);
            if (group.CanRecover(this))
                PostLater(Client?.Left(group.Tag!));
            return true;
        }
    }

    /// <summary>Leaves all groups, and can join no more.</summary>
    /// <returns>Those that it was in.</returns>
    public Group[] LeaveAll()
    {
        Group[] groups;
        lock (this)
            groups = _groups.End();
        Client?.End();
        foreach (var group in groups)
            group.Remove(this);
        return groups;
    }

    private bool TryHold(HeldFrames held, GroupMessage message)
    {
        if (!held.TryAdd(message, out var overflow))
            return false;
        if (overflow is { } count)
            events.OnOverflow(count);
        return true;
    }

    private bool TakeKept(GroupMessage message, ClientPositions client)
    {
        if (message.IsEvent)
        {
            if (!message.IsGap)
                LineUp(message, client);
            events.Post(message);
            if (message.Place is not { IsGap: true, Tag: not null })
                return false;
        }
        if ((_held is { } held && TryHold(held, message)) || LineUp(message, client))
            return false;
        return queue.Post(FrameOf(message));
    }

    // Whether it waits for an event that the consumer has not handled.
    private bool LineUp(GroupMessage message, ClientPositions client)
    {
        if (!client.TryLineUp(message, out var overflow))
            return false;
        if (overflow is { } count)
            events.OnOverflow(count);
        return true;
    }

    // Called with a group's lock: the thread pool does the writing.
    private void PostLater(Frame? frame)
    {
        if (frame is not null && queue.Post(frame))
            DrainBatch.Add(null, queue).Schedule();
    }

    private Frame FrameOf(GroupMessage message) => form switch
    {
        null => message.Frame,
        string stream => message.FrameFor(stream),
        _ => message.ProtocolFrameFor(((ClientPositions)form).Stream),
    };
}
