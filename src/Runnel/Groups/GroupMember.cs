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
/// <param name="stream">The stream of a shared socket that the connection is; <see langword="null"/> when it has the socket to itself.</param>
/// <param name="events">Whoever runs the consumer.</param>
/// <param name="maxHeldBytes">How much is held while the consumer connects.</param>
internal sealed class GroupMember(long number, OutboundQueue queue, string? stream, IEventSink events, int maxHeldBytes)
{
    private JoinedGroups _groups;
    private volatile HeldFrames? _held = new(maxHeldBytes);

    public long Number { get; } = number;

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
        if (message.IsEvent)
        {
            events.Post(message);
            return null;
        }
        if (_held is { } held && TryHold(held, message))
            return null;
        return queue.Post(FrameOf(message)) ? queue : null;
    }

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
                _held?.Release(Post);
            _held = null;
        }
        if (drain)
            queue.Drain();
        return failure;

        void Post(GroupMessage message)
        {
            try
            {
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
    public JoinResult Join(Group group, Func<Task<IAsyncDisposable>> subscribe)
    {
        // Lock order: member (its groups), then group (its members), then held frames, session or queue. Never back.
        lock (this)
        {
            if (_groups.IsEnded)
                return JoinResult.MemberEnded;
            if (!group.Add(this, subscribe))
                return JoinResult.GroupRetired;
            _groups.Add(group);
            return JoinResult.Joined;
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
        foreach (var group in groups)
            group.Remove(this);
        return groups;
    }

    private bool TryHold(HeldFrames held, GroupMessage message)
    {
        if (!held.TryAdd(message, out var overflow))
            return false;
        if (overflow > 0)
            events.OnOverflow(overflow);
        return true;
    }

    private Frame FrameOf(GroupMessage message) => stream is null ? message.Frame : message.FrameFor(stream);
}
