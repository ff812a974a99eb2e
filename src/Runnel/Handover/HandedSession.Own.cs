using Runnel.Nodes;

namespace Runnel.Handover;

/// <summary>Who has the connection.</summary>
internal sealed partial class HandedSession
{
    /// <summary>So many workers may die with an event of the connection in their hands.</summary>
    public const int MostDeaths = 3;

    private string? _worker;
    private int _ownerNumber;
    private int _deaths;
    private long _deadline = long.MaxValue, _deadlineBefore;
    private bool _isBeginning; // the owner makes the consumer
    private bool _isTouched; // an owner has done something that the client or its groups may have seen
    private bool _isConnected;
    private bool _isGoingOn; // it has lost its owner, and what that one asked for is being done before the next one gets it
    private bool _isAskedBack;
    private bool _isAbandoned; // no consumer is left, and none will be made
    private bool _isFinished;

    public string? Worker => Volatile.Read(ref _worker);

    /// <summary>Whether its socket is gone.</summary>
    public bool HasEnded => Volatile.Read(ref _isEnding);

    /// <summary>When it has waited too long; <see cref="long.MaxValue"/> while it does not wait.</summary>
    public long Deadline => Volatile.Read(ref _deadline);

    /// <summary>Whether another worker can go on with it.</summary>
    public bool CanBeAdopted => _descriptor.CanBeAdopted;

    public bool CanMove => CanBeAdopted && _isConnected && !_isAskedBack && !_isEnding && !_isCut && Worker is not null;

    public bool IsAskedBack => _isAskedBack && Worker is not null;

    // Called with the lock held. Its request lasts at least for as long as this is so.
    private bool WantsOwner => _worker is null && !(_isFinished || _isAbandoned || _isRefused || (_isGone && !_isConnected));

    // Called with the lock held.
    private bool IsNobodys => _isAbandoned || (_worker is null && (_isRefused || (!_isGoingOn && (!_isConnected || !CanBeAdopted || _owners.IsStopping))));

    /// <summary>A worker gets it, with all that is not handled. Called by <see cref="ConnectionOwners"/>, with its lock held.</summary>
    /// <returns>Whether it wants one.</returns>
    public bool TryHandTo(string worker, ReadOnlyMemory<byte> scope)
    {
        lock (this)
        {
            if (!WantsOwner)
                return false;
            (_worker, _isBeginning, _isAskedBack) = (worker, true, false);
            _ownerNumber++;
            _deadlineBefore = _deadline;
            if (_isConnected)
                _deadline = long.MaxValue;
            _owners.Links.Send(worker, new ToWorker.Assignment(_connection.Number, _ownerNumber)
            {
                Endpoint = Endpoint,
                Traits = (IsGreeted ? HandoverFormat.Traits.Greeted : 0) | (_isConnected ? HandoverFormat.Traits.Adopted : 0),
                FirstStream = _firstStream,
                StreamNumbers = _streamNumbers,
                Kept = _socket.Kept,
                Streams = [.. _streams?.Values.Select(static stream => stream.ToState()) ?? []],
                Scope = scope,
            });
            if (_isGone)
                _owners.Links.Send(worker, new ToWorker(HandoverFormat.Told.Gone, _connection.Number, _ownerNumber));
            foreach (var open in _open.All)
                Send(open);
            HandoverMetrics.WasHanded(_isConnected);
            return true;
        }
    }

    /// <summary>Writes down what is known about the client.</summary>
    /// <returns><see langword="false"/> if it wants no worker: its request may be over.</returns>
    public bool TryWriteScope(IScopeFormat scopes, out ReadOnlyMemory<byte> scope)
    {
        lock (this)
        {
            scope = WantsOwner ? scopes.Write(_connection.Scope) : default;
            return WantsOwner;
        }
    }

    /// <summary>It waits for a worker from now on.</summary>
    /// <returns>Whether it wants one.</returns>
    public bool TryWait()
    {
        lock (this)
        {
            if (WantsOwner && _isConnected && _deadline == long.MaxValue)
                _deadline = _owners.DeadlineIn(_owners.Options.AdoptionTimeout);
            return WantsOwner;
        }
    }

    /// <summary>A worker does not have it any more.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="owner">The number of the owner; <see langword="null"/>: any.</param>
    /// <param name="hasDied">Whether it died, or cut an event short.</param>
    /// <returns>Whether it had it.</returns>
    public bool TryLose(string worker, int? owner, bool hasDied)
    {
        lock (this)
        {
            if (_isFinished || _worker != worker || (owner is not null && owner != _ownerNumber))
                return false;
            if (hasDied && (_isBeginning || _open.AnySent))
                _deaths++;
            (_worker, _isGoingOn, _takenFrames, _takenBytes) = (null, true, 0, 0);
            _open.TakeBack(mayHaveBegun: hasDied);
            return true;
        }
    }

    /// <summary>A worker refuses it, so it waits as long as if that had not been asked.</summary>
    /// <returns>Whether it had it.</returns>
    public bool TryTakeRefusal(string worker, int owner)
    {
        lock (this)
        {
            if (!TryLose(worker, owner, hasDied: false))
                return false;
            _deadline = _deadlineBefore;
            return true;
        }
    }

    /// <summary>What becomes of it without its owner.</summary>
    public NextStep Next()
    {
        lock (this)
        {
            _isGoingOn = false;
            if (_isFinished || _isAbandoned)
                return NextStep.Nothing;
            if (_deaths >= MostDeaths)
                return NextStep.Fail;
            if (_isRefused || (_isConnected ? !CanBeAdopted : _isTouched || _isEnding))
                return NextStep.Restart;
            return NextStep.HandOut;
        }
    }

    /// <summary>No worker goes on with it: it is closed, and nobody is told of its end.</summary>
    public void Abandon(int code, string sentence, string reason)
    {
        lock (this)
        {
            if (_isAbandoned || _isFinished || _worker is not null)
                return;
            (_isAbandoned, _isCut, _deadline) = (true, true, long.MaxValue);
        }
        LetGo(code, sentence, reason);
    }

    /// <summary>It has waited too long.</summary>
    public void GiveUp()
    {
        bool isOwned;
        lock (this)
        {
            if (_isFinished || _isAbandoned || _deadline > _owners.Now)
                return; // its worker has accepted it in time, or it has one now
            isOwned = _worker is not null;
            (_isAbandoned, _isCut, _deadline) = (!isOwned, _isCut || !isOwned, long.MaxValue);
        }
        Log.NoWorker(Connection.Node.Logger, _descriptor.Name, Connection.Number, Endpoint);
        if (!isOwned)
        {
            LetGo(_isConnected ? CloseCode.ServiceRestart : CloseCode.TryAgainLater, "No worker is there for this connection.", "no-worker");
            return;
        }
        // Its worker is too slow, and learns of the end.
        HandoverMetrics.WasClosed("slow-worker");
        _ = Connection.CloseAsync(CloseCode.TryAgainLater, "The consumer took too long to accept.");
        _begun?.TrySetResult();
    }

    public void AskBack()
    {
        lock (this)
        {
            if (_worker is not { } worker || !CanMove)
                return;
            _isAskedBack = true;
            _owners.Links.Send(worker, new ToWorker(HandoverFormat.Told.GiveBack, _connection.Number, _ownerNumber));
        }
    }

    /// <summary>Nothing is left to do. Whoever waits for that finds the connection gone.</summary>
    public void Finish()
    {
        lock (this)
            _isFinished = true;
        _owners.Remove(this);
        _ended?.TrySetResult();
        _begun?.TrySetResult();
    }

    private void LetGo(int code, string sentence, string reason)
    {
        if (_isEnding)
        {
            Finish();
        }
        else
        {
            HandoverMetrics.WasClosed(reason);
            _ = Connection.CloseAsync(code, sentence); // before whoever waits goes on, and looks what has become of it
            _begun?.TrySetResult();
        }
        _room?.TrySetResult();
    }

    // Called with the lock held, so that what is sent keeps its order.
    private void Send(OpenEvent open)
    {
        open.IsSent = true;
        _owners.Links.Send(_worker!, open.ToItem(_connection.Number, _ownerNumber));
    }
}
