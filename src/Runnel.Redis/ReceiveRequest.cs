using Runnel.Layers;

namespace Runnel.Redis;

/// <summary>Somebody who waits for messages of a channel.</summary>
internal sealed class ReceiveRequest(int max) : TaskCompletionSource<IReadOnlyList<ReceivedMessage>>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public int Max => max;
}
