namespace Runnel.RabbitMQ.Receiving;

/// <summary>The messages with a key that this worker holds: of each key only the first is handed out, when its time has come. Not thread-safe.</summary>
/// <param name="timeProvider">The clock.</param>
/// <param name="expired">Told of each message that has expired before it was handed out; it is in nobody's way any more.</param>
internal sealed class KeyLanes(TimeProvider timeProvider, Action<Delivery> expired)
{
    private readonly Dictionary<string, LinkedList<Delivery>> _lanes = new(StringComparer.Ordinal);
    private readonly Queue<Delivery> _ready = new();
    private readonly PriorityQueue<Delivery, long> _later = new();

    /// <summary>How many messages there are, handed out or not.</summary>
    public int Count { get; private set; }

    /// <summary>When the next message may become ready, or stop being in the way, as a timestamp of the clock; <see langword="null"/> when none waits for its time.</summary>
    public long? Next => _later.TryPeek(out _, out var at) ? at : null;

    /// <summary>A message has come, behind all others of its key.</summary>
    public void Add(Delivery delivery)
    {
        delivery.Due = delivery.Envelope.NotBefore is { } due ? TimestampIn(due - timeProvider.GetUtcNow()) : 0;
        var key = delivery.Envelope.Key!;
        if (!_lanes.TryGetValue(key, out var lane))
            _lanes.Add(key, lane = new());
        lane.AddLast(delivery);
        Count++;
        if (lane.Count == 1)
            Line(delivery);
    }

    /// <summary>Takes the next message that is ready.</summary>
    public Delivery? Take()
    {
        while (_later.TryPeek(out var later, out var at) && at <= timeProvider.GetTimestamp())
        {
            _later.Dequeue();
            if (IsFirst(later))
                Line(later);
        }
        while (_ready.TryDequeue(out var ready))
        {
            if (!IsFirst(ready) || ready.Consumer is { IsLeaving: true })
                continue;
            if (IsExpired(ready))
            {
                Remove(ready);
                expired(ready);
            }
            else if (ready.Due > timeProvider.GetTimestamp())
            {
                Line(ready); // it was lined up twice, and given back for later since
            }
            else
            {
                ready.IsTaken = true;
                return ready;
            }
        }
        return null;
    }

    /// <summary>A message that was taken is settled: the next of its key may follow.</summary>
    public void Remove(Delivery delivery)
    {
        var key = delivery.Envelope.Key!;
        if (!_lanes.TryGetValue(key, out var lane) || lane.First?.Value != delivery)
            return;
        lane.RemoveFirst();
        Count--;
        if (lane.First is { } next)
            Line(next.Value);
        else
            _lanes.Remove(key);
    }

    /// <summary>A message that was taken is given back, first of its key as before.</summary>
    public void GiveBack(Delivery delivery, TimeSpan delay)
    {
        delivery.Due = delay > TimeSpan.Zero ? TimestampIn(delay) : 0;
        delivery.IsTaken = false;
        if (IsFirst(delivery))
            Line(delivery);
    }

    /// <summary>All messages, in the order of each key.</summary>
    public IEnumerable<Delivery> All => _lanes.Values.SelectMany(static lane => lane);

    /// <summary>Lines up again what was left out, since its consumer was to leave and does not.</summary>
    public void LineAgain(QueueConsumer consumer)
    {
        foreach (var first in _lanes.Values.Select(static lane => lane.First!.Value).Where(first => first.Consumer == consumer))
            Line(first);
    }

    /// <summary>Takes out what came from some consumers: it is the broker's again, or gone.</summary>
    public void RemoveAll(Func<Delivery, bool> isGone)
    {
        foreach (var (key, lane) in _lanes.ToList())
        {
            var first = lane.First?.Value;
            for (var node = lane.First; node is not null;)
            {
                var (each, next) = (node, node.Next);
                if (isGone(each.Value))
                {
                    lane.Remove(each);
                    Count--;
                }
                node = next;
            }
            if (lane.First is null)
                _lanes.Remove(key);
            else if (lane.First.Value != first)
                Line(lane.First.Value);
        }
    }

    // Those that wait for their time are looked at when it has come, and when they expire.
    private void Line(Delivery first)
    {
        var now = timeProvider.GetTimestamp();
        if (first.Due <= now || IsExpired(first))
            _ready.Enqueue(first);
        else
            _later.Enqueue(first, first.Envelope.ExpiresAt is { } expiry ? Math.Min(first.Due, TimestampIn(expiry - timeProvider.GetUtcNow())) : first.Due);
    }

    // And in nobody's hands.
    private bool IsFirst(Delivery delivery) => !delivery.IsTaken && _lanes.TryGetValue(delivery.Envelope.Key!, out var lane) && lane.First?.Value == delivery;

    private bool IsExpired(Delivery delivery) => delivery.Envelope.ExpiresAt <= timeProvider.GetUtcNow();

    // A millisecond more: the clock's two hands do not move together.
    private long TimestampIn(TimeSpan delay) => timeProvider.GetTimestamp() + (long)((delay.TotalSeconds + 0.001) * timeProvider.TimestampFrequency);
}
