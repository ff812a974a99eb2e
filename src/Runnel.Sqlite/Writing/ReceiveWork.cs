using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>Somebody waits for messages of a channel. Ended by messages or by its token, whichever comes first, never by both.</summary>
internal sealed class ReceiveWork(string channel, LeaseState lease, int max, WaitingReceivers receivers) : StoreWork<IReadOnlyList<Claim>>
{
    private const int Waiting = 0, Serving = 1, Ended = 2;

    private int _state;
    private bool _cancelled;
    private CancellationToken _token;

    public string Channel { get; } = channel;

    public LeaseState Lease { get; } = lease;

    public int Max { get; } = max;

    /// <summary>Whether it stands in its line already; the writer's.</summary>
    public bool IsInLine { get; set; }

    /// <summary>Whether it may be given messages.</summary>
    public bool IsWaiting => Volatile.Read(ref _state) == Waiting && Lease.IsHeld;

    public override bool Execute(StoreTransaction transaction)
    {
        if (!Lease.IsHeld)
        {
            Refusal = Lease.Ended();
            return true;
        }
        if (Volatile.Read(ref _state) == Ended)
            return false; // cancelled before the file could be written
        if (!Lease.TryRegister(transaction))
        {
            Refusal = Lease.Ended();
            return true;
        }
        transaction.Channels.Find(Channel); // touched, so that it is looked at for those who wait
        receivers.Add(this);
        return false;
    }

    /// <summary>The writer is about to claim for it; from now on a cancellation comes too late, unless <see cref="Release"/> follows.</summary>
    public bool TryServe() => Lease.IsHeld && Interlocked.CompareExchange(ref _state, Serving, Waiting) == Waiting;

    public void Serve(IReadOnlyList<Claim> claims) => Result = claims;

    /// <summary>There was nothing after all, or it was rolled back: it goes on waiting, unless it was cancelled meanwhile.</summary>
    public void Release()
    {
        Result = [];
        Interlocked.Exchange(ref _state, Waiting);
        if (Volatile.Read(ref _cancelled))
            Cancel(_token);
    }

    public void Cancel(CancellationToken cancellationToken)
    {
        _token = cancellationToken;
        Volatile.Write(ref _cancelled, true);
        if (Interlocked.CompareExchange(ref _state, Ended, Waiting) == Waiting)
            TryCancel(cancellationToken);
    }

    public override void Complete()
    {
        Lease.IsRegistered = true;
        base.Complete();
    }

    // Receivers that wait go on waiting.
    public override bool TriesAgainAfter(Exception exception) => exception is SqliteFailure || base.TriesAgainAfter(exception);

    public override void Fail(Exception exception)
    {
        Interlocked.Exchange(ref _state, Ended);
        receivers.Remove(this);
        base.Fail(exception);
    }
}
