using Runnel.Frames;
using Runnel.Layers;

namespace Runnel.Groups;

/// <summary>One group on this node: its members here, and the subscription to its topic.</summary>
/// <remarks>Joining and leaving take constant time: an array of members, and where in it each one is.</remarks>
internal sealed class Group(GroupName name)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<GroupMember, int> _places = [];
    private GroupMember[] _members = [];
    private int _count;

    public GroupName Name { get; } = name;

    /// <summary>The subscription, once asked for; guarded by <see cref="GroupRegistry"/>'s use of <see cref="Lazy{T}"/>.</summary>
    public Lazy<Task<IAsyncDisposable>>? Subscription { get; private set; }

    /// <summary>Whether the group was taken out of the registry, so that nobody can join it.</summary>
    public bool IsRetired { get; private set; }

    /// <summary>When it lost its last member, by <see cref="TimeProvider.GetTimestamp"/>; 0 while it has any, or is not waiting to be retired.</summary>
    public long EmptySince { get; set; }

    public int Count
    {
        get
        {
            lock (_lock)
                return _count;
        }
    }

    /// <summary>Adds a member.</summary>
    /// <param name="member">The member.</param>
    /// <param name="subscribe">Subscribes to the topic; called by whoever awaits <see cref="Subscription"/> first.</param>
    /// <returns><see langword="false"/> when the group is retired. Look it up again.</returns>
    public bool Add(GroupMember member, Func<Task<IAsyncDisposable>> subscribe)
    {
        lock (_lock)
        {
            if (IsRetired)
                return false;
            Subscription ??= new(subscribe);
            if (!_places.TryAdd(member, _count))
                return true;
            if (_count == _members.Length)
                Array.Resize(ref _members, Math.Max(4, _count * 2));
            _members[_count++] = member;
            return true;
        }
    }

    public void Remove(GroupMember member)
    {
        lock (_lock)
        {
            if (!_places.Remove(member, out var place))
                return;
            var last = _members[--_count];
            _members[_count] = null!;
            if (place != _count)
            {
                _members[place] = last;
                _places[last] = place;
            }
            // Gives back what a crowd took; a quarter keeps a group at the edge from resizing again and again.
            if (_members.Length > 16 && _count < _members.Length / 4)
            {
                Array.Resize(ref _members, _members.Length / 2);
                _places.TrimExcess(_members.Length);
            }
        }
    }

    /// <summary>Ends the group if it is empty.</summary>
    public bool TryRetire()
    {
        lock (_lock)
            return IsRetired = _count == 0;
    }

    /// <summary>The subscription failed. The next member tries again.</summary>
    public void ForgetSubscription()
    {
        lock (_lock)
            Subscription = null;
    }

    /// <summary>Hands a message to every member here. Never waits for a client, because the thread pool does the writing.</summary>
    /// <returns>What failed, if anything did. Members whose form of the message cannot be made do not get it; the others do.</returns>
    public Exception? Deliver(GroupMessage message)
    {
        // All members first, then the drains: several messages in a row meet in the queues, and each client is written to once.
        DrainBatch? drains = null;
        Exception? failure = null;
        lock (_lock)
        {
            foreach (var member in _members.AsSpan(0, _count))
            {
                try
                {
                    if (member.Deliver(message) is { } queue)
                        drains = DrainBatch.Add(drains, queue);
                }
                catch (Exception exception)
                {
                    failure = exception;
                }
            }
        }
        drains?.Schedule();
        return failure;
    }
}
