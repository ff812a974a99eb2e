namespace Runnel.Handover;

/// <summary>What happens to the connection, one after the other: messages of the client, and the end.</summary>
internal sealed partial class WorkerConnection : IThreadPoolWorkItem
{
    private readonly Queue<Happening> _happenings = new(0);
    private bool _isPumping;
    private long _messageAtHand;
    private bool _isReleasing;

    /// <summary>Whether the end has come.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>Makes the consumer.</summary>
    public Task BeginAsync() => IsAdopted ? Session.AdoptAsync() : Session.ConnectAsync();

    /// <summary>The client sent a message.</summary>
    public void Receive(long number, bool isText, bool isRedelivered, byte[] bytes) => Line(new(number, isRedelivered, bytes, isText, Code: 0, WasAccepted: true));

    /// <summary>The connection is over.</summary>
    /// <param name="number">The number of the end; 0 if the gateway has died, so that nobody waits for it and no other worker tells the consumer.</param>
    /// <param name="isRedelivered">Whether another worker may have told its consumer.</param>
    /// <param name="code">The code.</param>
    /// <param name="wasAccepted">Whether it ever was.</param>
    public void End(long number, bool isRedelivered, int code, bool wasAccepted)
    {
        bool isReleasing;
        lock (this)
        {
            isReleasing = _isReleasing;
            if (!isReleasing || number == 0)
                IsEnding = true; // first of all: what the next line brings to rest asks for it
        }
        CancelGone();
        if (number == 0)
            MarkOver();
        if (!isReleasing) // or else the consumer is told when it is at rest, or by the next worker
            Line(new(number, isRedelivered, Bytes: null, IsText: false, code, wasAccepted && _isAccepted));
    }

    /// <summary>The client is gone.</summary>
    public void CancelGone() => ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Cancel(), this, preferLocal: false);

    /// <summary>The connection is another worker's: the consumer is disposed of, and not told.</summary>
    public void Lose()
    {
        EndSending();
        MarkOver();
        _worker.Remove(this);
        ThreadPool.UnsafeQueueUserWorkItem(
            static connection =>
            {
                _ = connection.Session.ReleaseAsync();
                connection.Cancel();
            },
            this,
            preferLocal: false);
    }

    /// <summary>Gives the connection back when the consumer has handled the event at hand.</summary>
    /// <param name="grace">How long it may take for that.</param>
    public async Task GiveBackAsync(TimeSpan grace)
    {
        lock (this)
        {
            if (_isReleasing || IsEnding || IsOver)
                return;
            _isReleasing = true;
        }
        var released = ReleaseAsync();
        using var limit = new CancellationTokenSource();
        if (await Task.WhenAny(released, Task.Delay(grace, Node.TimeProvider, limit.Token)) != released && TrySayReleased(wasCutShort: true))
            Cancel();
        await limit.CancelAsync();
    }

    /// <summary>The consumer has handled the message at hand, and perhaps kept a value with it.</summary>
    public void SettleMessage(WorkerMembership by)
    {
        lock (this)
        {
            if (_messageAtHand == 0)
                return; // its stream has said so
            Ask(new ToGateway.Handled(NumberThere, Owner, _messageAtHand, by.Stream, by.TakeKept()));
            _messageAtHand = 0;
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = PumpAsync();

    private void Line(Happening happening)
    {
        lock (this)
        {
            _happenings.Enqueue(happening);
            if (_isPumping)
                return;
            _isPumping = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private async Task PumpAsync()
    {
        while (Next() is { } next)
        {
            if (next.Bytes is not null && HasClosed)
                Ask(new ToGateway.Handled(NumberThere, Owner, next.Number, stream: 0, kept: null)); // what the client sent before it saw our close is for nobody
            else if (next.Bytes is not null)
                await Session.ReceiveAsync(next.Bytes, next.IsText, next.IsRedelivered);
            else
                await EndAsync(next);
        }
    }

    private Happening? Next()
    {
        lock (this)
        {
            if (!_happenings.TryDequeue(out var next))
            {
                _isPumping = false;
                return null;
            }
            _messageAtHand = next.Number;
            return next;
        }
    }

    private async Task EndAsync(Happening end)
    {
        await Session.DisconnectAsync(end.Code, end.WasAccepted, end.IsRedelivered);
        if (end.Number != 0)
            Ask(new ToGateway.Handled(NumberThere, Owner, end.Number, stream: 0, kept: null));
        MarkOver();
        _worker.Remove(this);
    }

    private async Task ReleaseAsync()
    {
        if (!await Session.TryRestAsync())
            return;
        if (TrySayReleased(wasCutShort: false))
        {
            await Session.LeaveAsync();
            return;
        }
        await Session.DisconnectAsync(CloseCode.Abnormal, _isAccepted);
        MarkOver();
        _worker.Remove(this);
    }

    // False if the gateway has died: then no other worker gets the connection.
    private bool TrySayReleased(bool wasCutShort)
    {
        lock (this)
        {
            if (IsEnding)
                return false;
            Ask(new ToGateway.Released(NumberThere, Owner, wasCutShort));
            MarkOver();
        }
        _worker.Remove(this);
        return true;
    }

    private void Cancel()
    {
        try
        {
            _gone.Cancel();
        }
        catch (AggregateException exception)
        {
            Nodes.Log.GoneCallbackFailed(Node.Logger, exception, Number); // what the application registered must not keep the connection from ending
        }
    }

    private readonly record struct Happening(long Number, bool IsRedelivered, byte[]? Bytes, bool IsText, int Code, bool WasAccepted);
}
