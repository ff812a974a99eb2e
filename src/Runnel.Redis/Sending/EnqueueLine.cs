using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Sending;

/// <summary>Stores what this process sends to one channel: what is handed in while others are on their way goes along with the next trip.</summary>
/// <remarks>
/// Messages are stored in the order in which they were handed in. Two trips may be on their way at once, sent by one thread at a time; the second knows of
/// the first, and stores nothing when that had no room. Each has a key of its own for its last answer. So a trip whose answer was lost is
/// recognised when it is made again, and stores nothing twice. Senders that wait for room stand in line. The first of them is tried again when something here
/// made room, and every so often.
/// </remarks>
internal sealed class EnqueueLine(RedisChannel channel, RedisStore store)
{
    private const int Trips = 2;
    private const int MostWeight = 256; // some milliseconds of Redis, which does one thing at a time
    private const int MostBytes = 1024 * 1024;
    private static readonly TimeSpan TryAgain = TimeSpan.FromMilliseconds(50);

    // Timers take no more than 49 days.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(40);

    private readonly Lock _lock = new();
    private readonly Queue<EnqueueRequest> _pending = new();
    private readonly LinkedList<EnqueueRequest> _waitingForRoom = new();
    private readonly List<EnqueueRequest> _overdue = []; // whose time is over, while Redis has not said whether there is room
    private readonly EnqueueTrip?[] _underWay = new EnqueueTrip?[Trips];
    private Action<EnqueueRequest, CancellationToken>? _cancel; // one for all requests
    private EnqueueRequest? _trying; // the first in line, while Redis is asked for room for it
    private ITimer? _tryAgain;
    private bool _isSending;
    private long _pendingBytes;
    private long _requests;

    /// <summary>Whether nothing is on its way or waits.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
                return _pending.Count == 0 && _waitingForRoom.Count == 0 && _trying is null && Array.TrueForAll(_underWay, static trip => trip is null);
        }
    }

    /// <summary>Hands in a request; its result comes from Redis, or says that there is no room.</summary>
    public void Add(EnqueueRequest request, CancellationToken cancelled)
    {
        request.LeaveWhen(_cancel ??= Cancel, cancelled);
        lock (_lock)
        {
            request.Order = ++_requests;
            if (_waitingForRoom.Count > 0)
            {
                // A request joins the line behind those that wait for room. Otherwise a large batch might wait forever.
                WaitForRoom(request);
                return;
            }
            if (IsTooMuch(request))
            {
                request.Fail(TooMuch());
                return;
            }
            _pending.Enqueue(request);
            _pendingBytes += request.Bytes;
            if (_isSending)
                return; // whoever sends goes on until nothing is left
            _isSending = true;
        }
        Send();
    }

    // While Redis is away, or stands still: two trips wait for it, and everything else behind them.
    private bool IsTooMuch(EnqueueRequest request) => !store.Commands.IsAnswering
        && (_pending.Count >= store.Options.OutageBuffer || _pendingBytes + request.Bytes > store.Options.OutageBufferBytes);

    private RedisUnavailableException TooMuch() => new(
        $"Redis at {store.Dialer.Address} does not answer, and {_pending.Count} messages of together {_pendingBytes} bytes for channel '{channel.Name}' wait for it already: no more fit into the buffer (OutageBuffer, OutageBufferBytes)");

    /// <summary>Takes out a request whose sender waits no longer. One that is under way arrives nevertheless.</summary>
    private void Cancel(EnqueueRequest request, CancellationToken token)
    {
        lock (_lock)
        {
            request.TrySetCanceled(token);
            LeaveLine(request);
        }
        RoomMayBe(); // it may have kept smaller ones behind it waiting
    }

    /// <summary>Something has left the channel: tries whoever is first in line for room.</summary>
    public void RoomMayBe()
    {
        EnqueueRequest first;
        lock (_lock)
        {
            if (_trying is not null || _waitingForRoom.First is not { Value: var waiting } || Array.Exists(_underWay, trip => trip?.Requests[0].Order < waiting.Order))
                return; // what was handed in before it may be about to get in line
            _trying = first = waiting;
        }
        _ = TryFirstAsync(first);
    }

    // One thread at a time, so that what is taken first is sent first.
    private void Send()
    {
        while (TakeTrip() is { } trip)
            _ = SendAsync(trip);
    }

    private EnqueueTrip? TakeTrip()
    {
        lock (_lock)
        {
            var place = Array.IndexOf(_underWay, null);
            _isSending = place >= 0 && _pending.Count > 0;
            if (!_isSending)
                return null;
            List<EnqueueRequest> batch = [];
            for (int weight = 0, bytes = 0; _pending.TryPeek(out var next) && (weight == 0 || (weight + next.Weight <= MostWeight && bytes + next.Bytes <= MostBytes));)
            {
                batch.Add(TakePending());
                weight += next.Weight;
                bytes += next.Bytes;
            }
            return _underWay[place] = new EnqueueTrip(batch, place, store.NextRequest(), _underWay[1 - place]);
        }
    }

    private EnqueueRequest TakePending()
    {
        var request = _pending.Dequeue();
        _pendingBytes -= request.Bytes;
        return request;
    }

    private async Task SendAsync(EnqueueTrip trip)
    {
        try
        {
            var stored = await StoreAsync(trip).ConfigureAwait(false);
            var overdue = Arrive(trip, stored);
            trip.End(arrived: true);
            for (var i = 0; i < stored.Length; i++)
            {
                if (stored[i] >= 0)
                    trip.Requests[i].Succeed(stored[i]);
            }
            End(overdue, failure: null);
        }
        catch (Exception exception)
        {
            var (failed, overdue) = Fail(trip, exception);
            foreach (var request in failed)
                request.Fail(exception);
            trip.End(arrived: false);
            End(overdue, exception);
        }
        lock (_lock)
        {
            if (_isSending)
                return;
            _isSending = true;
        }
        Send();
    }

    // In one go, so that nothing that was handed in later is sent before what waits for room.
    private EnqueueRequest[] Arrive(EnqueueTrip trip, int[] stored)
    {
        lock (_lock)
        {
            _underWay[trip.Place] = null;
            for (var i = 0; i < stored.Length; i++)
            {
                if (stored[i] < 0)
                    WaitForRoom(trip.Requests[i]);
            }
            while (_waitingForRoom.Count > 0 && _pending.Count > 0)
                WaitForRoom(TakePending());
            return TakeOverdue(failure: null);
        }
    }

    private (List<EnqueueRequest> Failed, EnqueueRequest[] Overdue) Fail(EnqueueTrip trip, Exception exception)
    {
        lock (_lock)
        {
            _underWay[trip.Place] = null;
            List<EnqueueRequest> failed = [.. trip.Requests];
            while (exception is RedisUnavailableException && _pending.Count > 0)
                failed.Add(TakePending()); // they wait for the same
            return (failed, TakeOverdue(exception));
        }
    }

    private async Task TryFirstAsync(EnqueueRequest first)
    {
        var stored = -1;
        Exception? failure = null;
        try
        {
            // A trip of its own: the others wait behind it anyway.
            stored = (await StoreAsync(new EnqueueTrip([first], Trips, store.NextRequest())).ConfigureAwait(false))[0];
        }
        catch (Exception exception)
        {
            failure = exception;
        }
        var isDone = stored >= 0 || failure is not null;
        EnqueueRequest[] overdue;
        lock (_lock)
        {
            _trying = null;
            if (isDone)
                LeaveLine(first); // before its sender hears of it, who may send more at once
            overdue = TakeOverdue(failure);
        }
        if (failure is not null)
            first.Fail(failure);
        else if (isDone)
            first.Succeed(stored);
        End(overdue, failure);
        if (isDone)
            RoomMayBe();
    }

    private async Task<int[]> StoreAsync(EnqueueTrip trip)
    {
        var answer = await AskAsync(trip, trip.Preceding).ConfigureAwait(false);
        // Redis had not done the one before this: it does so now, or that has failed.
        if (answer.Length == 0 && await trip.PrecedingArrived.ConfigureAwait(false))
            answer = await AskAsync(trip, trip.Preceding).ConfigureAwait(false);
        if (answer.Length == 0)
            answer = await AskAsync(trip, preceding: null).ConfigureAwait(false);
        channel.TellExpired(answer[^1].AsNumber());
        return trip.Read(answer);
    }

    private async Task<RespValue[]> AskAsync(EnqueueTrip trip, (int Place, long Number)? preceding)
    {
        var keys = (ReadOnlySpan<string>)[channel.Keys.SentBy($"{store.Node}.{trip.Place}"), channel.Keys.Seen, channel.Keys.SentBy($"{store.Node}.{preceding?.Place ?? trip.Place}")];
        var writer = channel.Begin(RedisScript.Enqueue, 4 + trip.Arguments, keys, trip.Size + 1024);
        var repeatMark = writer.NextShortPart;
        writer.Add("0"u8);
        writer.Add(trip.Number);
        writer.Add((long)store.AnswersAreKept.TotalMilliseconds);
        writer.Add(preceding?.Number ?? 0);
        trip.Write(writer);
        var command = new RedisCommand(writer.Written, repeatMark) { Since = trip.Place < Trips ? trip.Requests[0].HandedIn : 0 };
        return (await store.Commands.ExecuteAsync(command).ConfigureAwait(false)).Items;
    }

    // Called with the lock held.
    private void WaitForRoom(EnqueueRequest request)
    {
        var options = request.Options;
        var wait = options.WaitForRoom - store.TimeProvider.GetElapsedTime(request.Since);
        if (wait <= TimeSpan.Zero || !request.MayWaitForRoom)
        {
            request.Fail(new ChannelFullException(channel.Name, options.Capacity));
            return;
        }
        if (request.Task.IsCompleted)
            return; // its sender has left
        PutInLine(request);
        request.Limit = store.TimeProvider.CreateTimer(_ => GiveUp(request), null, wait < LongestTimer ? wait : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
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

    // Whether there is no room only Redis knows: while it is asked, nobody is told so. The first may even be stored at this moment.
    private void GiveUp(EnqueueRequest request)
    {
        lock (_lock)
        {
            if (_trying is not null || Array.Exists(_underWay, static trip => trip is not null))
            {
                _overdue.Add(request);
                return;
            }
            LeaveLine(request); // now: whoever asks for room next must not find it
        }
        End([request], failure: null);
    }

    // Redis has answered, or has not for too long. Then it is told to everybody who has waited for it for so long. Called with the lock held.
    private EnqueueRequest[] TakeOverdue(Exception? failure)
    {
        if (_overdue.Count == 0 && failure is null)
            return [];
        List<EnqueueRequest> overdue = [.. _overdue];
        _overdue.Clear();
        if (failure is null && _trying is not null && overdue.Remove(_trying))
            _overdue.Add(_trying); // Redis is being asked for room for it once more, and may store it
        if (failure is RedisUnavailableException)
            overdue.AddRange(_waitingForRoom.Where(request => TimeProvider.System.GetElapsedTime(request.HandedIn) >= store.Options.OutageTimeout));
        overdue.ForEach(LeaveLine);
        return [.. overdue];
    }

    private void End(EnqueueRequest[] overdue, Exception? failure)
    {
        foreach (var request in overdue)
            request.Fail(failure ?? new ChannelFullException(channel.Name, request.Options.Capacity));
        if (overdue.Length > 0)
            RoomMayBe(); // they may have kept smaller ones behind them waiting
    }

    // Called with the lock held.
    private void LeaveLine(EnqueueRequest request)
    {
        _waitingForRoom.Remove(request);
        request.Limit?.Dispose();
    }
}
