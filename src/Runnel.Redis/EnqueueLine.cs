using Runnel.Layers;

namespace Runnel.Redis;

/// <summary>Stores what this process sends to one channel: what is handed in while others are on their way goes along with the next trip.</summary>
/// <remarks>
/// Two trips may be on their way at once, each with a key of its own for its last answer: by that a trip whose answer was lost is known when it is made
/// again, and stores nothing twice. Who waits for room waits in line; the first of them is tried again when something here made room, and every so often.
/// </remarks>
internal sealed class EnqueueLine(RedisChannel channel, RedisStore store)
{
    private const int Trips = 2;
    private const int MostMessages = 256;
    private const int MostBytes = 1024 * 1024;
    private static readonly TimeSpan TryAgain = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly Queue<EnqueueRequest> _pending = new();
    private readonly LinkedList<EnqueueRequest> _waitingForRoom = new();
    private readonly bool[] _isUnderWay = new bool[Trips];
    private ITimer? _tryAgain;
    private bool _isTrying;
    private long _pendingBytes;
    private long _requests;

    /// <summary>Whether nothing is on its way or waits.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
                return _pending.Count == 0 && _waitingForRoom.Count == 0 && !_isTrying && !_isUnderWay.Contains(true);
        }
    }

    /// <summary>Hands in a request; its result comes from Redis, or says that there is no room.</summary>
    public void Add(EnqueueRequest request)
    {
        lock (_lock)
        {
            request.Order = ++_requests;
            if (_waitingForRoom.Count > 0)
            {
                // Who came while others wait for room goes behind them, else a large batch would wait for ever.
                WaitForRoom(request);
                return;
            }
            if (IsTooMuch(request))
            {
                request.TrySetException(TooMuch());
                return;
            }
            _pending.Enqueue(request);
            _pendingBytes += request.Bytes;
        }
        Send();
    }

    // While Redis is away, or stands still: two trips wait for it, and everything else behind them.
    private bool IsTooMuch(EnqueueRequest request) => !store.Commands.IsAnswering
        && (_pending.Count >= store.Options.OutageBuffer || _pendingBytes + request.Bytes > store.Options.OutageBufferBytes);

    private RedisUnavailableException TooMuch() => new(
        $"Redis at {store.Dialer.Address} does not answer, and {_pending.Count} messages of together {_pendingBytes} bytes for channel '{channel.Name}' wait for it already: no more fit into the buffer (OutageBuffer, OutageBufferBytes)");

    /// <summary>Takes out a request whose sender waits no longer. One that is under way arrives nevertheless.</summary>
    public void Remove(EnqueueRequest request)
    {
        lock (_lock)
        {
            _waitingForRoom.Remove(request);
            request.Limit?.Dispose();
        }
        RoomMayBe(); // it may have kept smaller ones behind it waiting
    }

    /// <summary>Something has left the channel: tries whoever is first in line for room.</summary>
    public void RoomMayBe()
    {
        EnqueueRequest first;
        lock (_lock)
        {
            if (_isTrying || _waitingForRoom.First is not { Value: var waiting })
                return;
            (_isTrying, first) = (true, waiting);
        }
        _ = TryFirstAsync(first);
    }

    private void Send()
    {
        while (true)
        {
            List<EnqueueRequest> batch = [];
            int trip;
            lock (_lock)
            {
                trip = Array.IndexOf(_isUnderWay, false);
                if (trip < 0 || _pending.Count == 0)
                    return;
                _isUnderWay[trip] = true;
                for (int messages = 0, bytes = 0; _pending.TryPeek(out var next) && (messages == 0 || (messages + next.Messages.Length <= MostMessages && bytes + next.Bytes <= MostBytes));)
                {
                    batch.Add(_pending.Dequeue());
                    _pendingBytes -= next.Bytes;
                    messages += next.Messages.Length;
                    bytes += next.Bytes;
                }
            }
            _ = SendAsync(batch, trip);
        }
    }

    private async Task SendAsync(List<EnqueueRequest> batch, int trip)
    {
        try
        {
            var stored = await StoreAsync(batch, trip).ConfigureAwait(false);
            for (var i = 0; i < batch.Count; i++)
            {
                if (stored[i] >= 0)
                    batch[i].TrySetResult(stored[i]);
                else
                    Refuse(batch[i]);
            }
        }
        catch (Exception exception)
        {
            if (exception is RedisUnavailableException)
                batch.AddRange(TakePending()); // they wait for the same
            foreach (var request in batch)
                request.TrySetException(exception);
        }
        lock (_lock)
            _isUnderWay[trip] = false;
        Send();
    }

    private EnqueueRequest[] TakePending()
    {
        lock (_lock)
        {
            EnqueueRequest[] all = [.. _pending];
            _pending.Clear();
            _pendingBytes = 0;
            return all;
        }
    }

    private async Task TryFirstAsync(EnqueueRequest first)
    {
        var isStored = false;
        try
        {
            // A trip of its own: the others wait behind it anyway.
            if ((await StoreAsync([first], Trips).ConfigureAwait(false))[0] is >= 0 and var stored)
                isStored = first.TrySetResult(stored) || true;
        }
        catch (Exception exception)
        {
            isStored = first.TrySetException(exception) || true;
        }
        lock (_lock)
        {
            _isTrying = false;
            if (isStored)
            {
                first.Limit?.Dispose();
                _waitingForRoom.Remove(first);
            }
        }
        if (isStored)
            RoomMayBe();
        else if (store.TimeProvider.GetElapsedTime(first.Since) >= first.Options.WaitForRoom)
            GiveUp(first);
    }

    private async Task<int[]> StoreAsync(List<EnqueueRequest> batch, int place)
    {
        var trip = new EnqueueTrip(batch);
        var writer = channel.Begin(RedisScript.Enqueue, 3 + trip.Arguments, [channel.Keys.SentBy($"{store.Node}.{place}"), channel.Keys.Seen], trip.Size + 1024);
        var repeatMark = writer.NextShortPart;
        writer.Add("0"u8);
        writer.Add(store.NextRequest());
        writer.Add((long)store.AnswersAreKept.TotalMilliseconds);
        trip.Write(writer);
        var answer = (await store.Commands.ExecuteAsync(new RedisCommand(writer.Written, repeatMark)).ConfigureAwait(false)).Items;
        channel.TellExpired(answer[^1].AsNumber());
        return trip.Read(answer);
    }

    private void Refuse(EnqueueRequest request)
    {
        lock (_lock)
            WaitForRoom(request);
    }

    private void WaitForRoom(EnqueueRequest request)
    {
        var options = request.Options;
        var wait = options.WaitForRoom - store.TimeProvider.GetElapsedTime(request.Since);
        if (wait <= TimeSpan.Zero || request.Messages.Length > options.Capacity)
        {
            request.TrySetException(new ChannelFullException(channel.Name, options.Capacity));
            return;
        }
        if (request.Task.IsCompleted)
            return; // its sender has left
        PutInLine(request);
        request.Limit = store.TimeProvider.CreateTimer(_ => GiveUp(request), null, wait, Timeout.InfiniteTimeSpan);
        _tryAgain ??= TimeProvider.System.CreateTimer(_ => TryAgainIfNeeded(), null, TryAgain, Timeout.InfiniteTimeSpan);
        _tryAgain.Change(TryAgain, Timeout.InfiniteTimeSpan);
    }

    // Two trips under way may be answered in the other order.
    private void PutInLine(EnqueueRequest request)
    {
        var after = _waitingForRoom.Last;
        while (after is not null && after.Value.Order > request.Order)
            after = after.Previous;
        if (after is null)
            _waitingForRoom.AddFirst(request);
        else
            _waitingForRoom.AddAfter(after, request);
    }

    // What other processes take makes room, too, and nobody tells.
    private void TryAgainIfNeeded()
    {
        lock (_lock)
        {
            if (_waitingForRoom.Count == 0)
                return;
            _tryAgain!.Change(TryAgain, Timeout.InfiniteTimeSpan);
        }
        RoomMayBe();
    }

    private void GiveUp(EnqueueRequest request)
    {
        lock (_lock)
        {
            if (_isTrying && _waitingForRoom.First?.Value == request)
                return; // it may be stored at this moment: what comes of that decides
        }
        request.TrySetException(new ChannelFullException(channel.Name, request.Options.Capacity));
        Remove(request);
    }
}
