using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>Messages with a key as whoever gets them next has to get them, where their queue has an older form of them. Thread-safe.</summary>
/// <param name="mostBytes">How many bytes there may be; the oldest messages go when there are more.</param>
internal sealed class ChangedMessages(long mostBytes)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<MessageId, byte[]> _messages = [];
    private readonly Queue<(MessageId Id, byte[] Bytes)> _order = new();
    private long _bytes;

    /// <summary>The message's encoded envelope; <see langword="null"/> when what its queue has is to be handed out.</summary>
    public byte[]? Find(MessageId id)
    {
        lock (_lock)
            return _messages.GetValueOrDefault(id);
    }

    /// <summary>The message has changed, or, with no bytes, is what its queue has.</summary>
    public void Set(MessageId id, byte[] bytes)
    {
        lock (_lock)
        {
            Remove(id);
            if (bytes.Length == 0)
                return;
            _messages[id] = bytes;
            _order.Enqueue((id, bytes));
            _bytes += bytes.Length;
            while (_bytes > mostBytes)
            {
                var (oldest, its) = _order.Dequeue();
                if (_messages.GetValueOrDefault(oldest) == its)
                    Remove(oldest);
            }
        }
    }

    // Under the lock. Its place in the order stays until it is the oldest.
    private void Remove(MessageId id)
    {
        if (_messages.Remove(id, out var bytes))
            _bytes -= bytes.Length;
    }
}
