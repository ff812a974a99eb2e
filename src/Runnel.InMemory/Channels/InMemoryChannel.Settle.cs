using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory.Channels;

internal sealed partial class InMemoryChannel
{
    public bool Complete(StoredMessage message, LeaseState lease)
    {
        lock (_lock)
        {
            if (!TryRelease(message, lease))
                return false;
            if (message.Key is null)
            {
                RetireIfEmpty(); // nobody can have waited for this one
                return true;
            }
            var now = clock.Now;
            FreeLane(message, now);
            Leave(now);
            return true;
        }
    }

    public bool Abandon(StoredMessage message, LeaseState lease, AbandonOptions options, byte[]? changed)
    {
        lock (_lock)
        {
            if (!TryRelease(message, lease))
                return false;
            var now = clock.Now;
            var due = options.Delay > TimeSpan.Zero ? Moment.After(now, options.Delay) : default;
            GiveBack(message.Again(message.Attempt + (options.CountsAttempt ? 1 : 0), message.Crashes, due, changed), now);
            Leave(now);
            return true;
        }
    }

    public bool DeadLetter(StoredMessage message, LeaseState lease, DeadLetterReason reason, string? error)
    {
        lock (_lock)
        {
            if (!TryRelease(message, lease))
                return false;
            var now = clock.Now;
            var attempts = message.Attempt + (HandlingRule.CountsAttempt(reason) ? 1 : 0);
            PutAside(message.Again(attempts, message.Crashes), reason, error, now);
            Leave(now);
            return true;
        }
    }

    /// <summary>A worker leaves: its waits end, and what it holds is there for others, at its old place.</summary>
    public void HandBack(LeaseState lease)
    {
        lock (_lock)
        {
            var now = clock.Now;
            foreach (var message in ReleaseAll(lease))
                GiveBack(message.Again(message.Attempt, message.Crashes), now);
            Leave(now);
        }
    }

    /// <summary>A worker has died: as if it had left, but its death is counted on what it held.</summary>
    public void HandBackDead(LeaseState lease)
    {
        lock (_lock)
        {
            var now = clock.Now;
            foreach (var message in ReleaseAll(lease))
                GiveBack(message.Crashed(), now);
            Leave(now);
        }
    }

    private bool TryRelease(StoredMessage message, LeaseState lease)
    {
        if (message.State != StoredState.Claimed || message.Owner != lease)
            return false;
        _claimed.Remove(message);
        message.State = StoredState.Gone;
        message.Owner = null;
        return true;
    }

    private List<StoredMessage> ReleaseAll(LeaseState lease)
    {
        for (var node = _receivers.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Lease == lease)
            {
                _receivers.Remove(node);
                node.Value.SetException(lease.Ended());
            }
            node = next;
        }

        List<StoredMessage> released = [];
        for (var message = _claimed.First; message is not null;)
        {
            var next = message.Next;
            if (TryRelease(message, lease))
                released.Add(message);
            message = next;
        }
        // From the back, so that each finds its place at the front of the line.
        released.Reverse();
        return released;
    }

    /// <summary>Holds again what a worker had: at its old place, or until it is due. It is still the head of its lane.</summary>
    private void GiveBack(StoredMessage message, long now)
    {
        if (message.Key is not null)
            _lanes[message.Key].Head = message;
        Track(message);
        if (!clock.IsDue(message.Due, now))
        {
            Place(message, now);
            return;
        }
        message.State = StoredState.Ready;
        _ready.PutBack(message);
    }
}
