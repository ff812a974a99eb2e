namespace Runnel.InMemory.Stored;

/// <summary>Messages that wait for room on a channel of the in-memory queue. The result is how many of them were stored.</summary>
internal sealed class RoomWaiter(StoredMessage[] messages, int capacity)
    : TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public StoredMessage[] Messages { get; } = messages;

    public int Capacity { get; } = capacity;
}
