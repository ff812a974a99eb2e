using Runnel.InMemory.Channels;

namespace Runnel.InMemory.Stored;

/// <summary>A worker that waits for messages of a channel of the in-memory queue.</summary>
internal sealed class ReceiveWaiter(InMemoryChannel channel, InMemoryWorkReceiver lease, int max)
    : TaskCompletionSource<StoredMessage[]>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public InMemoryChannel Channel { get; } = channel;

    public InMemoryWorkReceiver Lease { get; } = lease;

    public int Max { get; } = max;
}
