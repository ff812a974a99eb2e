using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>Messages with a key as whoever gets them next has to get them, where their queue has an older form of them. Thread-safe.</summary>
/// <param name="mostBytes">How many bytes there may be; the oldest messages go when there are more.</param>
internal sealed class ChangedMessages(long mostBytes)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<MessageId, LinkedListNode<(MessageId Id, byte[] Bytes)>> _messages = [];
    private readonly LinkedList<(MessageId Id, byte[] Bytes)> _oldestFirst = new();
    private long _bytes;

    /// <summary>The message's encoded envelope; <see langword="null"/> when what its queue has is to be handed out.</summary>
    public byte[]? Find(MessageId id)
    {
        lock (_lock)
            return _messages.GetValueOrDefault(id)?.Value.Bytes;
    }

    /// <summary>The message has changed, or, with no bytes, is what its queue has.</summary>
    public void Set(MessageId id, byte[] bytes)
    {
        lock (_lock)
        {
            if (_messages.TryGetValue(id, out var former))
                Remove(former);
            if (bytes.Length == 0)
                return;
            _messages[id] = _oldestFirst.AddLast((id, bytes));
            _bytes += bytes.Length;
            while (_bytes > mostBytes)
                Remove(_oldestFirst.First!);
        }
    }

    private void Remove(LinkedListNode<(MessageId Id, byte[] Bytes)> message)
    {
        _oldestFirst.Remove(message);
        _messages.Remove(message.Value.Id);
        _bytes -= message.Value.Bytes.Length;
    }
}
