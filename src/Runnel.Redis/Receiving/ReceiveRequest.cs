using Runnel.Layers;

namespace Runnel.Redis.Receiving;

/// <summary>Somebody who waits for messages of a channel.</summary>
internal sealed class ReceiveRequest(int max) : TaskCompletionSource<IReadOnlyList<ReceivedMessage>>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public int Max => max;
}
