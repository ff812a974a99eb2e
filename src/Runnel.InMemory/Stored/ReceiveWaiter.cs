namespace Runnel.InMemory.Stored;

/// <summary>A worker that waits for messages of a channel of the in-memory queue.</summary>
internal sealed class ReceiveWaiter(LeaseState lease, int max)
    : TaskCompletionSource<StoredMessage[]>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public LeaseState Lease { get; } = lease;

    public int Max { get; } = max;
}
