using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory.Channels;

/// <summary>One channel of the in-memory queue. One short lock holds it together; nothing is encoded, decoded or awaited under it.</summary>
/// <remarks>
/// A message that is stored is <em>held</em> (ready, scheduled or blocked) or claimed. Of the messages of one key only the lane's head is
/// ready, scheduled or claimed; the others are blocked. A channel that holds, remembers and owes nothing retires and is forgotten.
/// </remarks>
internal sealed partial class InMemoryChannel(ChannelName name, ChannelClock clock, TimeSpan deadLetterRetention, Action<InMemoryChannel> forget)
{
    private readonly Lock _lock = new();
    private readonly MessageList _ready = new();
    private readonly MessageList _claimed = new();
    private readonly Agenda<StoredMessage> _scheduled = new(clock);
    private readonly Agenda<StoredMessage> _expiries = new(clock);
    private readonly LinkedList<ReceiveWaiter> _receivers = new();
    private readonly LinkedList<RoomWaiter> _waitingForRoom = new();
    private readonly Queue<StoredDeadLetter> _dead = new();
    private readonly Dictionary<string, KeyLane> _lanes = [];
    private readonly HashSet<string> _remembered = [];
    private readonly TimeHeap<string> _remembering = new();

    // Made by the first cancellation: a channel of which nothing is ever cancelled does not pay for finding by id.
    private Dictionary<MessageId, StoredMessage>? _byId;
    private TimeHeap<InMemoryChannel>.Node? _wake;
    private long _sequence;
    private int _blocked;
    private bool _retired;

    public ChannelName Name { get; } = name;

    private int Held => _ready.Count + _scheduled.Count + _blocked;

    private bool IsEmpty => Held == 0 && _claimed.Count == 0 && _dead.Count == 0 && _remembered.Count == 0
        && _receivers.Count == 0 && _waitingForRoom.Count == 0;

    /// <summary>Something of the channel fell due.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _wake = null;
            if (!_retired)
                Leave(clock.Now);
        }
    }

    /// <summary>Takes back a message that no worker has.</summary>
    public bool Cancel(MessageId id)
    {
        lock (_lock)
        {
            var now = clock.Now;
            Update(now);
            var found = Index().TryGetValue(id, out var message);
            if (found)
                Withdraw(message!, now);
            Leave(now);
            return found;
        }
    }

    /// <summary>What the channel holds; <see langword="null"/> when that is nothing.</summary>
    public ChannelStatus? GetStatus()
    {
        lock (_lock)
        {
            if (_retired)
                return null;
            Leave(clock.Now);
            if (Held + _claimed.Count + _dead.Count == 0)
                return null;
            DateTimeOffset? oldest = _ready.First is null ? null : new DateTimeOffset(OldestReady(), TimeSpan.Zero);
            return new ChannelStatus(Name, _ready.Count, _scheduled.Count, _blocked, _claimed.Count, _dead.Count, oldest);
        }
    }

    /// <summary>Deletes everything; what workers hold is lost to them.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            while (_ready.First is { } message)
                Clear(message, _ready);
            while (_claimed.First is { } message)
                Clear(message, _claimed);
            foreach (var lane in _lanes.Values)
            {
                while (lane.Waiting.First is { } message)
                    Clear(message, lane.Waiting);
            }
            foreach (var message in _scheduled.Items)
                message.State = StoredState.Gone;
            _scheduled.Clear();
            _expiries.Clear();
            _remembering.Clear();
            _remembered.Clear();
            _lanes.Clear();
            _dead.Clear();
            _byId = null;
            _blocked = 0;
            Leave(clock.Now);
        }

        static void Clear(StoredMessage message, MessageList list)
        {
            list.Remove(message);
            message.State = StoredState.Gone;
        }
    }

    /// <summary>Brings the channel up to date: what has expired goes, what is due gets in line, who waits is served.</summary>
    private void Update(long now)
    {
        do
        {
            while (_expiries.TryTakeDue(now, out var expired))
                Expire(expired, now);
            while (_scheduled.TryTakeDue(now, out var due))
                GetInLine(due);
            ServeReceivers();
        }
        while (AdmitWaiting(now));

        while (_remembering.NextTime <= now)
            _remembered.Remove(_remembering.TakeFirst());
        while (_dead.TryPeek(out var oldest) && oldest.ForgetAt <= now)
            _dead.Dequeue();
    }

    /// <summary>The end of whatever was done: nothing that could be done is left, and the clock knows when to come back.</summary>
    private void Leave(long now)
    {
        Update(now);
        var next = Math.Min(Math.Min(_scheduled.NextTime(now), _expiries.NextTime(now)), _remembering.NextTime);
        if (_dead.TryPeek(out var oldest))
            next = Math.Min(next, oldest.ForgetAt);
        if (next < (_wake?.Time ?? Ticks.Never))
            _wake = clock.Wake(this, next, _wake);
        RetireIfEmpty();
    }

    private void RetireIfEmpty()
    {
        if (_retired || !IsEmpty)
            return;
        _retired = true;
        if (_wake is not null)
            _wake = clock.Wake(this, Ticks.Never, _wake);
        forget(this);
    }

    private void Expire(StoredMessage message, long now)
    {
        message.Expiry = null;
        Withdraw(message, now);
        LayerTelemetry.MessagesExpired(1);
    }

    /// <summary>Takes a held message out for good.</summary>
    private void Withdraw(StoredMessage message, long now)
    {
        switch (message.State)
        {
            case StoredState.Ready:
                _ready.Remove(message);
                break;
            case StoredState.Scheduled:
                message.Schedule!.Remove();
                break;
            case StoredState.Blocked:
                _lanes[message.Key!].Waiting.Remove(message);
                _blocked--;
                break;
        }
        var wasHead = message.State != StoredState.Blocked;
        NoLongerHeld(message);
        message.State = StoredState.Gone;
        if (wasHead)
            FreeLane(message, now);
    }

    private void NoLongerHeld(StoredMessage message)
    {
        message.Expiry?.Remove();
        message.Expiry = null;
        _byId?.Remove(message.Id);
    }

    private Dictionary<MessageId, StoredMessage> Index()
    {
        if (_byId is not null)
            return _byId;
        _byId = [];
        for (var message = _ready.First; message is not null; message = message.Next)
            _byId[message.Id] = message;
        foreach (var message in _scheduled.Items)
            _byId[message.Id] = message;
        foreach (var lane in _lanes.Values)
        {
            for (var message = lane.Waiting.First; message is not null; message = message.Next)
                _byId[message.Id] = message;
        }
        return _byId;
    }

    private long OldestReady()
    {
        var oldest = long.MaxValue;
        for (var message = _ready.First; message is not null; message = message.Next)
            oldest = Math.Min(oldest, message.SentAt);
        return oldest;
    }
}
