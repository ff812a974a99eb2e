using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Sending;

/// <summary>Who stores messages on one channel, in the order of their calls: nobody gets room before somebody who waits for it already.</summary>
internal sealed class ChannelLine
{
    private const int Portion = 1_000;
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(5), LastLook = TimeSpan.FromMilliseconds(250), Grace = TimeSpan.FromMilliseconds(100);

    private readonly ChannelQueues _queues;
    private readonly ChannelRegistry _registry;
    private readonly QueueTopology _topology;
    private readonly QueueSender _sender;
    private readonly RabbitMQBroker _broker;
    private readonly TimeProvider _timeProvider;
    private readonly ChannelRoom _room;
    private readonly Lock _lock = new();
    private readonly LinkedList<EnqueueRequest> _requests = new();

    // Used by those who send, one after another.
    private readonly HashSet<string> _taking = [];
    private TaskCompletionSource? _confirmed;
    private TaskCompletionSource? _asking;
    private long _answeredAt;
    private int _unconfirmed;
    private bool _isAdded;
    private bool _isSending;
    private bool _isFull;

    public ChannelLine(ChannelQueues queues, ChannelRegistry registry, QueueTopology topology, QueueSender sender, RabbitMQBroker broker)
    {
        (_queues, _registry, _topology, _sender, _broker, _timeProvider) = (queues, registry, topology, sender, broker, broker.TimeProvider);
        _room = new ChannelRoom(_timeProvider, CountAsync);
    }

    /// <summary>Gets in line.</summary>
    /// <param name="request">The messages.</param>
    /// <param name="opening">What has to end before anything can be stored.</param>
    public void Add(EnqueueRequest request, Task opening)
    {
        lock (_lock)
        {
            if (_isFull && _asking is null && request.Options.WaitForRoom <= TimeSpan.Zero)
            {
                request.Refuse();
                return;
            }
            _requests.AddLast(request);
            if (_isSending)
                return;
            _isSending = true;
        }
        _ = SendAsync(opening);
    }

    /// <summary>Leaves the line.</summary>
    /// <returns>Whether the messages were still in it; if not, they are on their way.</returns>
    public bool Remove(EnqueueRequest request)
    {
        lock (_lock)
            return _requests.Remove(request);
    }

    /// <summary>Ends when the broker has last said whether there is room, or the request has ended.</summary>
    public Task AnsweredAsync(EnqueueRequest request)
    {
        lock (_lock)
            return _asking is { } asking ? Task.WhenAny(asking.Task, request.Task) : Task.CompletedTask;
    }

    private async Task SendAsync(Task opening)
    {
        while (First() is { } request)
        {
            try
            {
                if (await PatientlyAsync(GetRoomAsync(opening, request)).ConfigureAwait(false))
                    await PatientlyAsync(StoreAsync(request)).ConfigureAwait(false);
            }
            catch (RabbitUnavailableException exception) when (!opening.IsFaulted && !exception.IsFinal && exception.InnerException is not ObjectDisposedException && !RabbitExplanation.IsRefusal(exception))
            {
                // Nothing is stored yet: it waits, until its time is over.
                await Task.Delay(LastLook, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
                FailOverdue();
            }
            catch (Exception exception)
            {
                Remove(request);
                request.Fail(exception);
            }
        }
    }

    private EnqueueRequest? First()
    {
        lock (_lock)
        {
            _isSending = _requests.First is not null;
            if (!_isSending)
                Answered();
            return _requests.First?.Value;
        }
    }

    // While the line waits for the broker, those whose time is over are told, wherever they stand.
    private async Task<bool> PatientlyAsync(ValueTask<bool> waiting)
    {
        if (waiting.IsCompleted)
            return await waiting.ConfigureAwait(false);
        var task = waiting.AsTask();
        while (!task.IsCompleted)
        {
            await ((Task)task).WaitAsync(LastLook, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            FailOverdue();
        }
        return await task.ConfigureAwait(false);
    }

    private void FailOverdue()
    {
        List<EnqueueRequest> overdue;
        lock (_lock)
        {
            overdue = [.. _requests.Where(request => TimeProvider.System.GetElapsedTime(request.AddedAt) >= Grace && WaitedBy(request) >= _broker.Options.OutageTimeout)];
            overdue.ForEach(request => _requests.Remove(request));
        }
        foreach (var request in overdue)
            request.Fail(_broker.Away(_broker.Publishing.Failure));
    }

    // For how long it has waited for the broker: since that has said something.
    private TimeSpan WaitedBy(EnqueueRequest request) => TimeProvider.System.GetElapsedTime(Math.Max(request.AddedAt, _answeredAt)) + (_answeredAt < request.AddedAt ? request.Options.AlreadyWaited : TimeSpan.Zero);

    // Under the lock.
    private void Answered()
    {
        _answeredAt = TimeProvider.System.GetTimestamp();
        _asking?.TrySetResult();
        _asking = null;
    }

    // Whether the request has room, and has left the line for that: nobody can withdraw it any more.
    private async ValueTask<bool> GetRoomAsync(Task opening, EnqueueRequest request)
    {
        if (_isAdded && HasQueuesFor(request) && _room.TryTake(request.Messages.Length, request.Options.Capacity))
            return Remove(request);
        lock (_lock)
            _asking ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
        await opening.ConfigureAwait(false);
        await PrepareAsync(request).ConfigureAwait(false);
        return await TakeRoomAsync(request).ConfigureAwait(false);
    }

    private bool HasQueuesFor(EnqueueRequest request) => !request.HasKeys || _queues.Shards.Count > 0;

    private async ValueTask PrepareAsync(EnqueueRequest request)
    {
        if (!_isAdded)
        {
            await _registry.AddAsync(_queues.Channel).ConfigureAwait(false);
            await _topology.EnsureAsync(_queues.Plain).ConfigureAwait(false);
            _isAdded = true;
        }
        if (HasQueuesFor(request))
            return;
        var shards = await _registry.SplitAsync(_queues.Channel).ConfigureAwait(false);
        _queues.Split(shards);
        foreach (var shard in _queues.Shards)
            await _topology.EnsureAsync(shard).ConfigureAwait(false);
    }

    // Whether there is room; false also when the request has left the line meanwhile, or was refused.
    private async ValueTask<bool> TakeRoomAsync(EnqueueRequest request)
    {
        var (count, capacity) = (request.Messages.Length, request.Options.Capacity);
        if (_room.TryTake(count, capacity))
            return Remove(request);
        if (count > capacity)
            throw new ChannelFullException(_queues.Channel, capacity);
        try
        {
            for (var rest = FirstLook; ; )
            {
                var (unconfirmed, confirmed) = Ask();
                var hasRoom = await _room.TryTakeAsync(count, capacity, unconfirmed).ConfigureAwait(false);
                lock (_lock)
                {
                    Answered(); // who wants to withdraw waits for that
                    if (hasRoom)
                        return _requests.Remove(request);
                }
                // What is on its way was counted, and may be handled already.
                await confirmed.ConfigureAwait(false);
                if (unconfirmed > 0)
                    continue;
                if (!StaysInLine(request))
                    return false;
                await Task.Delay(rest, _timeProvider, CancellationToken.None).ConfigureAwait(false);
                rest = rest * 2 < LastLook ? rest * 2 : LastLook;
            }
        }
        finally
        {
            lock (_lock)
                _isFull = false;
        }
    }

    // There is no room. Who does not wait for it is refused; while somebody waits, everybody behind him who does not.
    private bool StaysInLine(EnqueueRequest request)
    {
        lock (_lock)
        {
            if (!_requests.Contains(request))
                return false;
            _isFull = request.Options.WaitForRoom > TimeSpan.Zero;
            foreach (var each in _requests.Where(each => _isFull ? each.Options.WaitForRoom <= TimeSpan.Zero : each == request).ToList())
            {
                _requests.Remove(each);
                each.Refuse();
            }
            return _isFull;
        }
    }

    private async ValueTask<bool> StoreAsync(EnqueueRequest request)
    {
        var storing = new Task[request.Messages.Length];
        var now = _timeProvider.GetUtcNow();
        TimeSpan waited;
        lock (_lock)
        {
            _unconfirmed += storing.Length;
            waited = WaitedBy(request);
        }
        for (var i = 0; i < storing.Length; i++)
        {
            // Not all at once, so that no more is copied than is on its way; and no more when some have failed.
            storing[i] = i >= Portion && i % Portion == 0 && !await HasStoredAsync(storing[i - Portion]).ConfigureAwait(false) ? storing[i - Portion] : StoreAsync(request.Messages[i], now, waited);
            await AfterFirstAsync(request.Messages[i], now, storing[i]).ConfigureAwait(false);
            if (!storing[i].IsFaulted)
                continue;
            Array.Fill(storing, storing[i], i, storing.Length - i);
            break;
        }
        _ = FinishAsync(request, storing);
        return true;
    }

    // A new queue may refuse its first messages for a moment. No later one may come before them.
    private async ValueTask AfterFirstAsync(NewMessage message, DateTimeOffset now, Task storing)
    {
        var queue = _queues.OfKey(message.Key).Name;
        if (_taking.Contains(queue) || message.LeftAt(now) > 0)
            return;
        await storing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (storing.IsCompletedSuccessfully)
            _taking.Add(queue);
    }

    private async ValueTask<bool> HasStoredAsync(Task storing)
    {
        await storing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!storing.IsCompletedSuccessfully)
            return false;
        lock (_lock)
            _answeredAt = TimeProvider.System.GetTimestamp();
        return true;
    }

    private Task StoreAsync(NewMessage message, DateTimeOffset now, TimeSpan waited)
    {
        var (stored, left) = (message.StoredAt(now), message.LeftAt(now));
        return left > 0 ? _sender.PutLaterAsync(_queues.Plain.Name, stored, left, waited: waited) : _sender.PutAsync(_queues.OfKey(message.Key), stored, waited);
    }

    private async Task FinishAsync(EnqueueRequest request, Task[] storing)
    {
        Exception? failure = null;
        try
        {
            await (storing.Length == 1 ? storing[0] : Task.WhenAll(storing)).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            failure = exception;
        }
        var stored = storing.Count(static each => each.IsCompletedSuccessfully);
        Confirmed(storing.Length);
        if (failure is null)
            request.Stored();
        else if (storing.Length == 1)
            request.Fail(failure);
        else
            request.Fail(new RabbitUnavailableException($"{stored} of {storing.Length} messages to channel '{_queues.Channel}' were stored, the others perhaps not. {failure.Message}", failure));
    }

    // How many messages are on their way as the broker is asked, and what ends when none is.
    private (int Unconfirmed, Task Confirmed) Ask()
    {
        lock (_lock)
        {
            _asking ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return (_unconfirmed, _unconfirmed == 0 ? Task.CompletedTask : (_confirmed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task);
        }
    }

    private void Confirmed(int count)
    {
        lock (_lock)
        {
            _unconfirmed -= count;
            if (_unconfirmed > 0)
                return;
            _confirmed?.TrySetResult();
            _confirmed = null;
        }
    }

    private async Task<long> CountAsync()
    {
        var count = await _topology.CountAsync(_queues.Plain).ConfigureAwait(false);
        foreach (var shard in _queues.Shards)
            count += await _topology.CountAsync(shard).ConfigureAwait(false);
        return count;
    }
}
