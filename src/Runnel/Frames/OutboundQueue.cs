using Runnel.Frames;

namespace Runnel;

/// <summary>What waits for one client. Its memory is bounded, one drain at a time writes it, and everything that waits goes out with one flush.</summary>
/// <remarks>
/// An empty queue holds no buffer: the first frame is in a field, and more of them are in a rented ring, which the drain takes away.
/// A frame that finds the queue idle goes out at once. Frames only gather while a flush is under way. Thread-safe.
/// </remarks>
public sealed class OutboundQueue(OutboundOptions options, IFrameWriter writer)
{
    private const string OverflowReason = "The connection could not keep up.";
    private static readonly Frame OverflowClose = Frame.Close(CloseCode.TryAgainLater, OverflowReason);

    // A consumer can wait for room, and a group cannot. So a consumer gets only a part of the queue, and the rest is for its groups.
    private const int ConsumersShare = 4;

    private FrameRing _pending;
    private long _writing;
    private long _ownWriting;
    private Queue<(Frame Frame, bool IsReplay, TaskCompletionSource Room)>? _waiting;
    private TaskCompletionSource? _finished;
    private bool _draining;
    private bool _closed;

    /// <summary>Whether the queue has taken its last frame.</summary>
    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Puts in a frame of a group. Never waits: if there is no room, the policy decides.</summary>
    /// <returns>Whether the caller must make sure that <see cref="Drain"/> runs.</returns>
    public bool Post(Frame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        bool fits;
        int dropped;
        lock (this)
        {
            if (_closed)
                return false;
            fits = TryMakeRoom(frame, out dropped);
            if (fits)
                _pending.Add(frame);
            else if (options.Policy == OutboundPolicy.Disconnect)
                dropped = CloseOverflown() + 1;
            else
                dropped++; // only the consumer's own frames wait, which are never dropped, so this one is dropped
            if (dropped == 0)
                return TryBeginDrain();
        }
        ConnectionMetrics.FramesWereDropped(dropped, options.Policy);
        if (!fits && options.Policy == OutboundPolicy.Disconnect)
            writer.OnOverflow();
        lock (this)
            return TryBeginDrain();
    }

    /// <summary>Puts in a frame only if nothing waits and nothing is being written. It is for pings: behind other frames, a ping proves nothing.</summary>
    public void SendIfIdle(Frame frame)
    {
        lock (this)
        {
            if (_closed || !TryBeginDrain())
                return;
            _pending.Add(frame);
        }
        Drain();
    }

    /// <summary>Puts in a frame of the consumer itself. Waits for room, so a consumer that writes much goes as fast as its client reads.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled while there was no room; the frame is not sent.</exception>
    public ValueTask SendAsync(Frame frame, CancellationToken cancellationToken = default) => SendAsync(frame, isReplay: false, cancellationToken);

    /// <summary>Puts in a frame of a group that the client missed earlier. Waits for room, so that however much a client missed, it cannot overflow.</summary>
    internal ValueTask ReplayAsync(Frame frame) => SendAsync(frame, isReplay: true, CancellationToken.None);

    /// <summary>Puts in a missed frame if there is room, and leaves the writing to <see cref="Flush"/>: many of them go out with one write.</summary>
    /// <returns>Whether it was put in, or the client is gone.</returns>
    internal bool TryReplay(Frame frame)
    {
        lock (this)
        {
            if (_closed)
                return true;
            if (_waiting is { Count: > 0 } || !HasRoomToReplay(frame))
                return false;
            _pending.Add(frame);
            return true;
        }
    }

    /// <summary>Writes what <see cref="TryReplay"/> has put in.</summary>
    internal void Flush()
    {
        lock (this)
        {
            if (_pending.Count == 0 || !TryBeginDrain())
                return;
        }
        Drain();
    }

    /// <summary>Whether the policy drops frames of groups, so that a client of this queue may miss messages.</summary>
    internal bool MayDrop => options.Policy != OutboundPolicy.Disconnect;

    private ValueTask SendAsync(Frame frame, bool isReplay, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(frame);
        lock (this)
        {
            // Sending to a client that is gone is not a failure of the sender, whose own disconnect tells it.
            if (_closed)
                return ValueTask.CompletedTask;
            if (_waiting is { Count: > 0 } || !HasRoomOf(frame, isReplay))
            {
                var room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                (_waiting ??= new()).Enqueue((frame, isReplay, room));
                return new ValueTask(WaitForRoomAsync(room, cancellationToken));
            }
            _pending.Add(frame);
            if (!TryBeginDrain())
                return ValueTask.CompletedTask;
        }
        Drain();
        return ValueTask.CompletedTask;
    }

    /// <summary>Puts in the last frame, after everything that waits, and takes no more.</summary>
    /// <param name="last">The last frame.</param>
    /// <param name="before">A frame that goes right before it.</param>
    /// <returns>Completes when the frame is written, or can no longer be written.</returns>
    public Task FinishAsync(Frame? last, Frame? before = null)
    {
        Task finished;
        lock (this)
        {
            finished = (_finished ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            if (!_closed)
            {
                if (before is not null)
                    _pending.Add(before);
                if (last is not null)
                    _pending.Add(last);
                _closed = true;
                ReleaseWaiting();
            }
            if (!TryBeginDrain())
                return finished;
        }
        Drain();
        return finished;
    }

    /// <summary>Forgets what waits and takes no more, because the connection is gone.</summary>
    /// <returns>Completes when the last write has ended. After that, the writer is not called.</returns>
    public Task AbandonAsync()
    {
        lock (this)
        {
            Close();
            if (!_draining)
                return Task.CompletedTask; // and whoever waits for the last frame has been told
            if (_finished is null or { Task.IsCompleted: true })
                _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _finished.Task;
        }
    }

    /// <summary>Writes everything that waits. Call it when <see cref="Post"/> has returned <see langword="true"/>.</summary>
    public void Drain()
    {
        while (TryTake(out var batch))
        {
            ValueTask written;
            try
            {
                written = batch.WriteTo(writer);
            }
            catch (Exception exception)
            {
                Break(exception);
                continue;
            }
            if (written.IsCompletedSuccessfully)
            {
                written.GetAwaiter().GetResult();
                continue;
            }
            _ = DrainLaterAsync(written);
            return;
        }
    }

    // A flush that does not complete at once means that the client is slower than its groups. Only then does a drain cost a task. It handles its own exceptions.
    private async Task DrainLaterAsync(ValueTask written)
    {
        try
        {
            await written;
        }
        catch (Exception exception)
        {
            Break(exception);
        }
        Drain();
    }

    private bool TryBeginDrain()
    {
        if (_draining)
            return false;
        return _draining = true;
    }

    private bool TryTake(out FrameRing batch)
    {
        lock (this)
        {
            (_writing, _ownWriting) = (0, 0);
            AdmitWaiting();
            batch = _pending;
            _pending = default;
            (_writing, _ownWriting) = (batch.Cost, batch.OwnCost);
            AdmitWaiting();
            if (batch.Count > 0)
                return true;
            _draining = false;
            if (_closed)
                _finished?.TrySetResult();
            return false;
        }
    }

    // One frame of a group may always wait, so that the latest gets through.
    private bool HasRoom(Frame frame) =>
        _pending.Count < options.MaxMessages && (_pending.Cost == _pending.OwnCost || _writing + _pending.Cost + frame.Cost <= options.MaxBytes);

    private bool HasRoomOf(Frame frame, bool isReplay) => isReplay ? HasRoomToReplay(frame) : HasRoomOfOwn(frame);

    // Live frames count as well: what a client missed must not take the room that they need. One at a time goes in whenever the queue is empty.
    private bool HasRoomToReplay(Frame frame) =>
        _pending.Count == 0 || (_pending.Count < options.MaxMessages && _writing + _pending.Cost + frame.Cost <= options.MaxBytes / ConsumersShare);

    // A consumer's own frame waits for room, and goes alone if it is large. Frames of groups do not count: a busy group would keep it out for ever.
    private bool HasRoomOfOwn(Frame frame)
    {
        var own = _ownWriting + _pending.OwnCost;
        return _pending.Count < options.MaxMessages && (own == 0 || own + frame.Cost <= options.MaxBytes / ConsumersShare);
    }

    private bool TryMakeRoom(Frame frame, out int dropped)
    {
        dropped = 0;
        if (options.Policy == OutboundPolicy.LatestOnly)
        {
            while (_pending.TryRemoveOldestOfGroup())
                dropped++;
        }
        while (!HasRoom(frame))
        {
            if (options.Policy != OutboundPolicy.DropOldest || !_pending.TryRemoveOldestOfGroup())
                return false;
            dropped++;
        }
        return true;
    }

    private void AdmitWaiting()
    {
        while (_waiting is not null && _waiting.TryPeek(out var next) && HasRoomOf(next.Frame, next.IsReplay))
        {
            _waiting.Dequeue();
            if (next.Room.TrySetResult()) // the frame of a cancelled wait is left out
                _pending.Add(next.Frame);
        }
    }

    private static async Task WaitForRoomAsync(TaskCompletionSource room, CancellationToken cancellationToken)
    {
        await using (cancellationToken.Register(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), room))
            await room.Task;
    }

    private int Close()
    {
        var dropped = _pending.Count;
        _pending.Clear();
        _closed = true;
        ReleaseWaiting();
        return dropped;
    }

    private int CloseOverflown()
    {
        var dropped = Close();
        // Both get through if the client reads on before it is cut.
        if (writer.AdviceFor(CloseCode.TryAgainLater, OverflowReason) is { } advice)
            _pending.Add(advice);
        _pending.Add(OverflowClose);
        return dropped;
    }

    private void ReleaseWaiting()
    {
        while (_waiting is not null && _waiting.TryDequeue(out var next))
            next.Room.TrySetResult();
    }

    private void Break(Exception exception)
    {
        lock (this)
            Close(); // nothing is written any more, so nothing fails a second time
        writer.OnBroken(exception);
    }
}
