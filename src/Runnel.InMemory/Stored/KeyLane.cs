namespace Runnel.InMemory.Stored;

/// <summary>The messages of one key: the head, which is in line, scheduled or in a worker's hands, and those that wait for it to be settled.</summary>
internal sealed class KeyLane(StoredMessage head)
{
    public StoredMessage Head { get; set; } = head;

    public MessageList Waiting { get; } = new();
}
