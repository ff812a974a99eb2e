using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Handover;

/// <summary>What the owner asks for.</summary>
/// <remarks>
/// It is done in the order asked: what comes behind a frame that waits for a slow client waits with it. So a group's frame never overtakes what the consumer has sent. The worker's window
/// (<see cref="SendWindow"/>) bounds how much waits here.
/// </remarks>
internal sealed partial class HandedSession
{
    private Queue<Func<ValueTask>>? _orders;
    private bool _isObeying;
    private int _takenFrames;
    private long _takenBytes;

    /// <summary>Does something for the owner, after what it asked for before.</summary>
    /// <returns><see langword="false"/> if somebody else is the owner.</returns>
    public bool TryObey(string worker, int owner, Func<ValueTask> order)
    {
        lock (this)
        {
            if (_worker != worker || _ownerNumber != owner)
                return false;
            _isTouched = true;
            if (TryLineUp(order))
                return true;
        }
        _ = ObeyAsync(order);
        return true;
    }

    /// <summary>Does something after all that its owners have asked for.</summary>
    public void AfterOrders(Action step)
    {
        var order = () =>
        {
            step();
            return ValueTask.CompletedTask;
        };
        lock (this)
        {
            if (TryLineUp(order))
                return;
        }
        _ = ObeyAsync(order);
    }

    /// <summary>Closes the connection, after what the consumer sent before. The client has a limited time for that from now on, also if it reads nothing.</summary>
    /// <returns><see langword="false"/> if somebody else is the owner.</returns>
    public bool TryClose(string worker, int owner, int code, string? reason)
    {
        var isClosed = false;
        var isOwner = TryObey(worker, owner, () =>
        {
            isClosed = true;
            return CloseAsync(code, reason);
        });
        if (isOwner && !isClosed)
            _connection.OnClosing();
        return isOwner;
    }

    /// <summary>Cuts the connection at once: what waits for the client is not sent.</summary>
    /// <returns><see langword="false"/> if somebody else is the owner.</returns>
    public bool TryAbort(string worker, int owner)
    {
        lock (this)
        {
            if (_worker != worker || _ownerNumber != owner)
                return false;
            (_isTouched, _deadline) = (true, long.MaxValue);
        }
        _connection.Abort();
        return true;
    }

    /// <summary>The consumer has handled an event.</summary>
    /// <returns><see langword="false"/> if somebody else is the owner.</returns>
    public bool TrySettle(string worker, int owner, long number, long stream, byte[]? kept)
    {
        OpenEvent? handled;
        lock (this)
        {
            if (_worker != worker || _ownerNumber != owner)
                return false;
            Keep(stream, kept);
            handled = _open.Remove(number);
            if (handled is OpenEvent.Posted { Content: var waited })
                _connection.Waiting.GiveBack(waited);
            _deaths = 0;
            if (_room is not null && HasRoom)
            {
                _room.TrySetResult();
                _room = null;
            }
        }
        if (handled is OpenEvent.Posted { Content.Place: not null } posted)
            AfterOrders(() => posted.Membership.Handled(posted.Content)); // it tells a client of runnel.v1 that all before is done, also what the consumer has just sent
        else if (handled is OpenEvent.End)
            Finish();
        return true;
    }

    /// <summary>The consumer keeps a value, outside of an event.</summary>
    /// <returns><see langword="false"/> if somebody else is the owner.</returns>
    public bool TryKeep(string worker, int owner, long stream, byte[]? kept)
    {
        lock (this)
        {
            if (_worker != worker || _ownerNumber != owner)
                return false;
            Keep(stream, kept);
            return true;
        }
    }

    /// <summary>Accepts the client.</summary>
    public async ValueTask AcceptAsync(AcceptOptions options)
    {
        Volatile.Write(ref _deadline, long.MaxValue);
        await _connection.AcceptAsync(options);
    }

    /// <summary>Refuses the client.</summary>
    public async ValueTask RejectAsync()
    {
        Volatile.Write(ref _deadline, long.MaxValue);
        await _connection.RejectAsync();
    }

    private ValueTask CloseAsync(int code, string? reason)
    {
        Volatile.Write(ref _deadline, long.MaxValue);
        if (CloseCode.CanBeSent(code))
            _ = _connection.CloseAsync(code, reason); // not awaited: the client may take its time to read what comes before
        else
            _connection.Abort();
        return ValueTask.CompletedTask;
    }

    /// <summary>Sends a frame, and tells the worker now and then how many are in the client's queue.</summary>
    public async ValueTask SendAsync(Frame frame, int owner)
    {
        await _connection.SendFrameAsync(frame, CancellationToken.None);
        lock (this)
        {
            if (_worker is not { } worker || _ownerNumber != owner)
                return;
            (_takenFrames, _takenBytes) = (_takenFrames + 1, _takenBytes + frame.Length);
            if (_takenFrames < SendWindow.FramesTold && _takenBytes < SendWindow.BytesTold)
                return;
            _owners.Links.Send(worker, new ToWorker.Taken(_connection.Number, owner, _takenFrames, _takenBytes));
            (_takenFrames, _takenBytes) = (0, 0);
        }
    }

    /// <summary>The consumer has connected, or adopted the connection.</summary>
    public ValueTask BeginAsync(int owner, byte[]? kept)
    {
        bool isFirst;
        lock (this)
        {
            if (_ownerNumber == owner)
                (_isBeginning, _deadline) = (false, long.MaxValue);
            Keep(stream: 0, kept);
            isFirst = !_isConnected;
            _isConnected = true;
        }
        if (!isFirst)
            return ValueTask.CompletedTask;
        _socket.Membership.Release();
        _begun?.TrySetResult();
        return ValueTask.CompletedTask;
    }

    /// <summary>A stream begins to connect.</summary>
    public ValueTask BeginStreamAsync(long number, string name)
    {
        if (number < _firstStream || number >= _firstStream + _streamNumbers)
            throw new FormatException($"Stream '{name}' of connection {_connection} has a number that is not its own.");
        var stream = new HandedMember(this, number, name);
        stream.Membership = _socket.Membership.OfStream(number, name, stream);
        stream.Membership.Begin();
        bool isLate;
        lock (this)
        {
            (_streams ??= []).Add(number, stream);
            isLate = _isEnding;
        }
        if (isLate)
            stream.Membership.End();
        return ValueTask.CompletedTask;
    }

    /// <summary>A stream has connected.</summary>
    public ValueTask ConnectStreamAsync(long number, byte[]? kept)
    {
        if (FindMember(number) is not { } stream)
            return ValueTask.CompletedTask;
        lock (this)
            stream.Kept = kept ?? stream.Kept;
        if (!stream.IsConnected)
            stream.Membership.Release();
        stream.IsConnected = true;
        return ValueTask.CompletedTask;
    }

    /// <summary>A stream is over.</summary>
    public ValueTask EndStreamAsync(long number)
    {
        if (FindMember(number) is not { } stream)
            return ValueTask.CompletedTask;
        lock (this)
            stream.IsOver = true;
        stream.Membership.End();
        return ValueTask.CompletedTask;
    }

    /// <summary>Joins a group, and tells the worker what became of it.</summary>
    public ValueTask JoinAsync(int owner, long number, long request, string group)
    {
        _ = TellJoinedAsync(owner, number, request, group);
        return ValueTask.CompletedTask;
    }

    /// <summary>Leaves a group.</summary>
    public ValueTask LeaveAsync(long number, string group) => FindMember(number)?.Membership.RemoveAsync(group, CancellationToken.None) ?? ValueTask.CompletedTask;

    private async Task TellJoinedAsync(int owner, long number, long request, string group)
    {
        ToWorker.Joined told;
        try
        {
            var outcome = FindMember(number) is { } member ? await member.Membership.AddAsync(group, CancellationToken.None) : JoinOutcome.New;
            told = new(_connection.Number, owner, request, (byte)outcome, sentence: null);
        }
        catch (Exception exception)
        {
            var isAway = exception is BackplaneUnavailableException or IOException;
            told = new(_connection.Number, owner, request, isAway ? ToWorker.Joined.LayerAway : ToWorker.Joined.Failed, exception.Message);
        }
        lock (this)
        {
            if (_worker is { } worker && _ownerNumber == owner)
                _owners.Links.Send(worker, told);
        }
    }

    // Called with the lock held. False if nothing is being done, so that the caller begins.
    private bool TryLineUp(Func<ValueTask> order)
    {
        if (!_isObeying)
        {
            _isObeying = true;
            return false;
        }
        (_orders ??= new()).Enqueue(order);
        return true;
    }

    private async Task ObeyAsync(Func<ValueTask> order)
    {
        for (var next = order; next is not null; next = NextOrder())
        {
            try
            {
                await next();
            }
            catch (Exception exception)
            {
                Log.OrderFailed(_connection.Node.Logger, exception, _descriptor.Name, _connection.Number);
                _connection.Abort();
            }
        }
    }

    private Func<ValueTask>? NextOrder()
    {
        lock (this)
        {
            if (_orders is not null && _orders.TryDequeue(out var next))
                return next;
            (_orders, _isObeying) = (null, false);
            return null;
        }
    }

    private HandedMember? FindMember(long stream)
    {
        lock (this)
            return stream == 0 ? _socket : _streams?.GetValueOrDefault(stream);
    }

    // Called with the lock held.
    private void Keep(long stream, byte[]? kept)
    {
        if (kept is not null && FindMember(stream) is { } member)
            member.Kept = kept;
    }
}
