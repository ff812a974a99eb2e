using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory.Channels;

internal sealed partial class InMemoryChannel
{
    /// <summary>Stores messages: all of them, or none.</summary>
    /// <returns>How many were new; a waiter when they have to wait for room; neither when the channel has retired: get it anew.</returns>
    /// <exception cref="ChannelFullException">There is no room, and it is not waited for.</exception>
    public (int? Stored, RoomWaiter? Waiter) Enqueue(StoredMessage[] messages, EnqueueOptions options)
    {
        lock (_lock)
        {
            if (_retired)
                return default;
            var now = clock.Now;
            Update(now);
            var stored = Store(messages, options.Capacity, now, first: _waitingForRoom.Count == 0);
            var waiter = stored is null && options.WaitForRoom > TimeSpan.Zero && messages.Length <= options.Capacity
                ? new RoomWaiter(messages, options.Capacity)
                : null;
            if (waiter is not null)
                _waitingForRoom.AddLast(waiter);
            Leave(now);
            if (stored is null && waiter is null)
                throw new ChannelFullException(Name, options.Capacity);
            return (stored, waiter);
        }
    }

    /// <summary>Ends a wait for room, unless it has ended already.</summary>
    public bool StopWaiting(RoomWaiter waiter)
    {
        lock (_lock)
        {
            var waited = _waitingForRoom.Remove(waiter);
            if (waited)
                Leave(clock.Now); // it may have kept smaller ones behind it waiting
            return waited;
        }
    }

    private bool AdmitWaiting(long now)
    {
        var admitted = false;
        while (_waitingForRoom.First?.Value is { } waiter && Store(waiter.Messages, waiter.Capacity, now, first: true) is { } stored)
        {
            _waitingForRoom.RemoveFirst();
            waiter.SetResult(stored);
            admitted = true;
        }
        return admitted;
    }

    private int? Store(StoredMessage[] messages, int capacity, long now, bool first)
    {
        var fresh = CountNew(messages);
        if (fresh == 0)
            return 0;
        // A request joins the line behind those that wait for room. Otherwise a large batch might wait forever.
        if (!first || Held + fresh > capacity)
            return null;
        foreach (var message in messages)
        {
            if (message.Terms is null || TryBegin(message, message.Terms, now))
                Put(message, now);
        }
        return fresh;
    }

    // Times that count from when the message is stored begin now.
    private bool TryBegin(StoredMessage message, StoreTerms terms, long now)
    {
        if (terms.DeduplicationId is { } id)
        {
            if (!_remembered.Add(id))
                return false;
            _remembering.Add(Ticks.Later(now, terms.DeduplicationWindow), id);
        }
        if (terms.Delay > TimeSpan.Zero)
            message.Due = Moment.After(now, terms.Delay);
        if (terms.TimeToLive is { } life)
            message.ExpireAt(Moment.After(now, life), Ticks.Later(clock.TimeOfDay, life));
        return true;
    }

    private int CountNew(StoredMessage[] messages)
    {
        var count = 0;
        HashSet<string>? seen = null;
        foreach (var message in messages)
        {
            if (message.Terms?.DeduplicationId is not { } id || (!_remembered.Contains(id) && (messages.Length == 1 || (seen ??= []).Add(id))))
                count++;
        }
        return count;
    }

    /// <summary>Takes in a message, at the end of its key's lane if there is one.</summary>
    private void Put(StoredMessage message, long now)
    {
        if (message.Key is null)
        {
            Hold(message, now);
        }
        else if (!_lanes.TryGetValue(message.Key, out var lane))
        {
            _lanes.Add(message.Key, new KeyLane(message));
            Hold(message, now);
        }
        else
        {
            message.State = StoredState.Blocked;
            lane.Waiting.AddLast(message);
            _blocked++;
            Track(message);
        }
    }

    /// <summary>Holds a message that is its lane's head, or has no key.</summary>
    private void Hold(StoredMessage message, long now)
    {
        Track(message);
        Place(message, now);
    }

    private void Track(StoredMessage message)
    {
        if (message.Expires != Moment.Never)
            message.Expiry = _expiries.Add(message.Expires, message);
        if (_byId is not null)
            _byId[message.Id] = message;
    }

    private void Place(StoredMessage message, long now)
    {
        if (clock.IsDue(message.Due, now))
        {
            GetInLine(message);
            return;
        }
        message.State = StoredState.Scheduled;
        message.Schedule = _scheduled.Add(message.Due, message);
    }

    private void GetInLine(StoredMessage message)
    {
        message.State = StoredState.Ready;
        message.Sequence = ++_sequence;
        _ready.AddLast(message);
    }

    /// <summary>The head of a lane is settled: the next one takes its place.</summary>
    private void FreeLane(StoredMessage head, long now)
    {
        if (head.Key is null)
            return;
        var lane = _lanes[head.Key];
        if (lane.Waiting.First is not { } next)
        {
            _lanes.Remove(head.Key);
            return;
        }
        lane.Waiting.Remove(next);
        _blocked--;
        lane.Head = next;
        Place(next, now);
    }
}
