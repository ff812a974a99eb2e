using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>Reads the queue that the process-specific channels of one prefix share, and hands each message out by its full name.</summary>
/// <remarks>
/// <para>
/// A message that nobody waits for is <em>parked</em>: given back to the queue, away until it expires, and remembered here by its id. So it
/// goes on counting against the capacity, for senders in every process, and expires by itself. A later receiver takes it out of the
/// queue by its id, which the queue refuses if it has expired.
/// </para>
/// <para>It reads only while somebody waits, so that messages are not moved for nothing.</para>
/// </remarks>
internal sealed class ProcessReader : IAsyncDisposable
{
    // How many messages one turn of the reader may take: those who wait are served, and few can be in its hands at once.
    private const int MostAtOnce = 16;

    // Longer than messages live, and not all layers can count to the end of time.
    private static readonly AbandonOptions Parking = new() { CountsAttempt = false, Delay = TimeSpan.FromDays(365) };

    private readonly ChannelName _name;
    private readonly IWorkQueue _queue;
    private readonly LayerReceiver _receiver;
    private readonly Lock _lock = new();
    private readonly Dictionary<ChannelName, LocalChannel> _channels = [];
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _reading;
    private int _waiters;

    public ProcessReader(ChannelName name, IWorkQueue queue, LayerReceiver receiver)
    {
        _name = name;
        _queue = queue;
        _receiver = receiver;
        _reading = ReadAsync();
    }

    /// <summary>How many messages are parked.</summary>
    public int ParkedCount
    {
        get
        {
            lock (_lock)
                return _channels.Values.Sum(static local => local.Parked.Count);
        }
    }

    public async ValueTask<Message> ReceiveAsync(ChannelName channel, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(channel);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, typeof(ChannelLayer));
            var local = LocalOf(channel);
            local.Waiters.AddLast(waiter);
            Want();
            Unpark(channel, local);
        }
        // A waiter that is being served is not in line any more: its message is on the way, and cancelling comes too late to lose it.
        using var cancellation = cancellationToken.UnsafeRegister((_, token) => StopWaiting(waiter, token), null);
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Forgets what is parked: the queue was emptied.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            foreach (var (channel, local) in _channels.ToArray())
            {
                local.Parked.Clear();
                ForgetIfEmpty(channel, local);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        FailWaiters(new ObjectDisposedException(nameof(ChannelLayer)));
        _stopping.Dispose();
        _wanted.Dispose();
    }

    private async Task ReadAsync()
    {
        // The constructor runs under the layer's lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var max = await WaitForWaitersAsync().ConfigureAwait(false);
                var (receiver, messages) = await _receiver.ReceiveAsync(_name, max, _stopping.Token).ConfigureAwait(false);
                foreach (var message in messages)
                    await HandOutAsync(receiver, message).ConfigureAwait(false);
                if (HasParked())
                    ForgetExpired(await _queue.GetTimeAsync(_stopping.Token).ConfigureAwait(false));
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Those who wait are told, and may ask again; then the reader goes on.
                FailWaiters(exception);
            }
        }
    }

    private async ValueTask<int> WaitForWaitersAsync()
    {
        while (true)
        {
            lock (_lock)
            {
                if (_waiters > 0)
                    return Math.Min(_waiters, MostAtOnce);
            }
            await _wanted.WaitAsync(_stopping.Token).ConfigureAwait(false);
        }
    }

    private async ValueTask HandOutAsync(IWorkReceiver receiver, ReceivedMessage message)
    {
        var channel = message.Envelope.Channel ?? _name;
        if (TakeWaiter(channel) is { } waiter)
        {
            await ServeAsync(waiter, message.Envelope.Message, receiver.CompleteAsync(message, CancellationToken.None)).ConfigureAwait(false);
            return;
        }

        if (message.Envelope.ExpiresAt is null && !IsWaitedFor(channel))
        {
            // A lease was lost while it held the message, which has no expiry since: parked, it would take room for a year.
            if (await receiver.CompleteAsync(message, CancellationToken.None).ConfigureAwait(false))
                LayerTelemetry.MessagesExpired(1);
            return;
        }

        if (!await receiver.AbandonAsync(message, Parking, CancellationToken.None).ConfigureAwait(false))
            return;
        lock (_lock)
        {
            var local = LocalOf(channel);
            local.Parked.Enqueue(message.Envelope);
            Unpark(channel, local);
        }
    }

    /// <summary>The first who waits for the channel and may be handed the next message at once: nothing earlier is parked.</summary>
    private Waiter? TakeWaiter(ChannelName channel)
    {
        lock (_lock)
        {
            if (!_channels.TryGetValue(channel, out var local) || local.Parked.Count > 0 || local.IsUnparking)
                return null;
            return TakeWaiter(channel, local);
        }
    }

    private bool IsWaitedFor(ChannelName channel)
    {
        lock (_lock)
            return _channels.TryGetValue(channel, out var local) && local.Waiters.Count > 0;
    }

    private Waiter? TakeWaiter(ChannelName channel, LocalChannel local)
    {
        if (local.Waiters.First?.Value is not { } waiter)
            return null;
        local.Waiters.RemoveFirst();
        _waiters--;
        ForgetIfEmpty(channel, local);
        return waiter;
    }

    /// <summary>Gives the message to a waiter if it can be taken out of the queue, else puts the waiter back at the head of the line.</summary>
    private async ValueTask ServeAsync(Waiter waiter, Message message, ValueTask<bool> taking)
    {
        try
        {
            if (await taking.ConfigureAwait(false))
            {
                waiter.SetResult(message);
                return;
            }
        }
        catch (Exception exception)
        {
            waiter.SetException(exception);
            return;
        }
        lock (_lock)
        {
            if (waiter.CancelledBy is { } token)
            {
                waiter.SetCanceled(token);
                return;
            }
            if (_stopping.IsCancellationRequested)
            {
                waiter.SetException(new ObjectDisposedException(nameof(ChannelLayer)));
                return;
            }
            LocalOf(waiter.Channel).Waiters.AddFirst(waiter);
            Want();
        }
    }

    /// <summary>Brings parked messages to those who wait for them, one after another.</summary>
    private void Unpark(ChannelName channel, LocalChannel local)
    {
        if (local.IsUnparking || local.Parked.Count == 0 || local.Waiters.Count == 0)
            return;
        local.IsUnparking = true;
        _ = UnparkAsync(channel, local);
    }

    private async Task UnparkAsync(ChannelName channel, LocalChannel local)
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            Envelope parked;
            Waiter waiter;
            lock (_lock)
            {
                if (local.Parked.Count == 0 || local.Waiters.Count == 0)
                {
                    local.IsUnparking = false;
                    ForgetIfEmpty(channel, local);
                    return;
                }
                parked = local.Parked.Dequeue();
                waiter = TakeWaiter(channel, local)!;
            }
            await ServeAsync(waiter, parked.Message, _queue.CancelAsync(_name, parked.Id, CancellationToken.None)).ConfigureAwait(false);
        }
    }

    private void StopWaiting(Waiter waiter, CancellationToken token)
    {
        lock (_lock)
        {
            if (!_channels.TryGetValue(waiter.Channel, out var local) || !local.Waiters.Remove(waiter))
            {
                waiter.CancelledBy = token;
                return;
            }
            _waiters--;
            ForgetIfEmpty(waiter.Channel, local);
        }
        waiter.SetCanceled(token);
    }

    private void FailWaiters(Exception exception)
    {
        List<Waiter> failed = [];
        lock (_lock)
        {
            foreach (var (channel, local) in _channels.ToArray())
            {
                while (TakeWaiter(channel, local) is { } waiter)
                    failed.Add(waiter);
            }
        }
        foreach (var waiter in failed)
            waiter.SetException(exception);
    }

    private void Want()
    {
        _waiters++;
        if (_wanted.CurrentCount == 0)
            _wanted.Release();
    }

    private LocalChannel LocalOf(ChannelName channel)
    {
        if (!_channels.TryGetValue(channel, out var local))
            _channels.Add(channel, local = new LocalChannel());
        return local;
    }

    private bool HasParked()
    {
        lock (_lock)
            return _channels.Values.Any(static local => local.Parked.Count > 0);
    }

    private void ForgetExpired(DateTimeOffset now)
    {
        lock (_lock)
        {
            foreach (var (channel, local) in _channels.ToArray())
            {
                while (local.Parked.TryPeek(out var parked) && parked.ExpiresAt <= now)
                    local.Parked.Dequeue();
                ForgetIfEmpty(channel, local);
            }
        }
    }

    private void ForgetIfEmpty(ChannelName channel, LocalChannel local)
    {
        if (local.Parked.Count == 0 && local.Waiters.Count == 0 && !local.IsUnparking)
            _channels.Remove(channel);
    }

    private sealed class LocalChannel
    {
        public Queue<Envelope> Parked { get; } = new();

        public LinkedList<Waiter> Waiters { get; } = new();

        public bool IsUnparking { get; set; }
    }

    private sealed class Waiter(ChannelName channel) : TaskCompletionSource<Message>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public ChannelName Channel { get; } = channel;

        public CancellationToken? CancelledBy { get; set; }
    }
}
