using Runnel.Frames;
using Runnel.Layers;

namespace Runnel.Groups;

/// <summary>One group on this node: its members here, and the subscription to its topic.</summary>
/// <remarks>Joining and leaving take constant time: an array of members, and where in it each one is.</remarks>
/// <param name="name">The group's name.</param>
/// <param name="pages">What those who come back read; <see langword="null"/> for a group without history.</param>
/// <param name="isOfJob">Whether it is the group of a job, whose every message is the whole state.</param>
internal sealed class Group(GroupName name, GroupPages? pages, bool isOfJob = false)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<GroupMember, int> _places = [];
    private GroupMember[] _members = [];
    private int _count;

    // Those who have joined and get nothing yet: they catch up.
    private HashSet<GroupMember>? _comers;
    private Position _position;
    private int _gaps;

    public GroupName Name { get; } = name;

    /// <summary>What those who come back read; <see langword="null"/> for a group without history.</summary>
    public GroupPages? Pages => pages;

    /// <summary>Whether it is the group of a job: every message is the whole state, so whoever has the latest one has missed nothing.</summary>
    public bool IsOfJob => isOfJob;

    /// <summary>Whether a member's client can come back with a position of this group.</summary>
    public bool CanRecover(GroupMember member) => pages is not null && member.Client is not null && !member.MayDrop;

    /// <summary>What stands for the group in its clients' positions; set before the subscription begins.</summary>
    public string? Tag { get; set; }

    /// <summary>Whether it was told that a message had no place in the history.</summary>
    public bool HasToldOfUnkept { get; set; }

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
                return AllCount;
        }
    }

    /// <summary>Where the group is, and how many gaps there were until here.</summary>
    public (Position Position, int Gaps) Present
    {
        get
        {
            lock (_lock)
                return (_position, _gaps);
        }
    }

    private int AllCount => _count + (_comers?.Count ?? 0);

    /// <summary>Adds a member.</summary>
    /// <param name="member">The member.</param>
    /// <param name="isComer">Whether it gets nothing until it enters.</param>
    /// <param name="subscribe">Subscribes to the topic; called by whoever awaits <see cref="Subscription"/> first.</param>
    /// <returns><see langword="false"/> when the group is retired. Look it up again.</returns>
    public bool Add(GroupMember member, bool isComer, Func<Task<IAsyncDisposable>> subscribe)
    {
        lock (_lock)
        {
            if (IsRetired)
                return false;
            Subscription ??= new(subscribe);
            if (!isComer)
                AddMember(member);
            else if (!_places.ContainsKey(member))
                (_comers ??= []).Add(member);
            return true;
        }
    }

    /// <summary>The group is heard from here on.</summary>
    public void Begin(Position position)
    {
        lock (_lock)
        {
            if (_position == Position.None)
                _position = position;
        }
    }

    /// <summary>Whether a member has joined and not entered yet.</summary>
    public bool IsComing(GroupMember member)
    {
        lock (_lock)
            return _comers?.Contains(member) == true;
    }

    /// <summary>Lets a comer in where the group is.</summary>
    /// <param name="member">The member.</param>
    /// <param name="onEntered">Called with the position, before anything is delivered after it.</param>
    /// <returns>Whether it was still coming.</returns>
    public bool TryEnter(GroupMember member, Action<Position> onEntered)
    {
        lock (_lock)
        {
            if (!EndComing(member))
                return false;
            onEntered(_position);
            AddMember(member);
            return true;
        }
    }

    /// <summary>Lets a comer in that has caught up.</summary>
    /// <param name="member">The member.</param>
    /// <param name="at">The last position that it has.</param>
    /// <param name="gaps">How many gaps there were when it was clear that its position is good.</param>
    /// <param name="earlier">An epoch that ended before the one in which the member is: if the group is still there, the member is ahead of it.</param>
    public EnterResult TryEnter(GroupMember member, Position at, int gaps, long earlier = 0)
    {
        lock (_lock)
        {
            if (_comers?.Contains(member) != true)
                return EnterResult.Gone;
            if (gaps != _gaps)
                return EnterResult.Broken;
            var isApart = at.Epoch != _position.Epoch;
            if (isApart && _position.Epoch != earlier)
                return EnterResult.Apart;
            if (!isApart && at.Offset < _position.Offset)
                return EnterResult.Behind;
            EndComing(member);
            // The history may be ahead of what this node has heard: what it will hear is a double then.
            if (at != _position)
                member.IsAhead(Tag!, at, isApart);
            AddMember(member);
            return EnterResult.Entered;
        }
    }

    /// <summary>The history goes on in another epoch, and this node has not heard of it: moves there if everything that it has heard is there, too.</summary>
    /// <param name="from">Where the group was.</param>
    /// <returns>Whether that is so. If not, messages are missing, or the history is in no other epoch.</returns>
    public async ValueTask<bool> TryRenewAsync(Position from)
    {
        if (pages!.IsIn(from.Epoch) || await pages.CheckAsync(from) is not { } to || to.Epoch == from.Epoch)
            return false;
        lock (_lock)
        {
            if (_position == from)
                _position = to;
        }
        return true;
    }

    public void Remove(GroupMember member)
    {
        lock (_lock)
        {
            if (EndComing(member) || !_places.Remove(member, out var place))
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
            return IsRetired = AllCount == 0;
    }

    /// <summary>The subscription failed. The next member tries again.</summary>
    public void ForgetSubscription()
    {
        lock (_lock)
            Subscription = null;
    }

    /// <summary>A member has dealt with a gap: it is told where the group is, before anything is delivered after it.</summary>
    public void TellPresent(GroupMember member, Action<Position> tell)
    {
        lock (_lock)
        {
            if (_places.ContainsKey(member))
                tell(_position);
        }
    }

    /// <summary>Hands a message, or the news of a gap, to every member here. Never waits for a client, because the thread pool does the writing.</summary>
    /// <returns>What failed, if anything did. Members whose form of the message cannot be made do not get it; the others do.</returns>
    public Exception? Deliver(GroupMessage message)
    {
        // All members first, then the drains: several messages in a row meet in the queues, and each client is written to once.
        DrainBatch? drains = null;
        Exception? failure = null;
        lock (_lock)
        {
            if (message.Place is { } place)
                Move(message, place);
            if (message.IsBegin)
                return null;
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

    private void Move(GroupMessage message, GroupPlace place)
    {
        if (place.Position != Position.None)
            _position = place.Position;
        if (!place.IsGap)
        {
            if (place.Position != Position.None)
                pages?.Add(message);
            return;
        }
        _gaps++;
        pages?.Forget();
    }

    private void AddMember(GroupMember member)
    {
        if (!_places.TryAdd(member, _count))
            return;
        if (_count == _members.Length)
            Array.Resize(ref _members, Math.Max(4, _count * 2));
        _members[_count++] = member;
    }

    private bool EndComing(GroupMember member)
    {
        if (_comers?.Remove(member) != true)
            return false;
        if (_comers.Count == 0)
            _comers = null;
        return true;
    }
}
