using Runnel.Layers;

namespace Runnel.Redis.Receiving;

/// <summary>Somebody who waits for messages of a channel.</summary>
internal sealed class ReceiveRequest(int max) : TaskCompletionSource<IReadOnlyList<ReceivedMessage>>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public int Max => max;

    /// <summary>Hands out messages in their order, to each receiver as many as it wants. The share of one that left just now goes to the next.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="takeReceiver">Takes the next receiver, if there is one.</param>
    /// <returns>How many were handed out; those behind them were not.</returns>
    public static int Distribute(List<ReceivedMessage> messages, Func<ReceiveRequest?> takeReceiver)
    {
        var given = 0;
        while (given < messages.Count && takeReceiver() is { } receiver)
        {
            var share = messages.GetRange(given, Math.Min(receiver.Max, messages.Count - given));
            if (receiver.TrySetResult(share))
                given += share.Count;
        }
        return given;
    }
}
