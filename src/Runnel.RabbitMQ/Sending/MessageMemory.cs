using System.Diagnostics.CodeAnalysis;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>What was last said of messages. Bounded: what was said longest ago goes first. Thread-safe.</summary>
/// <param name="most">The weight of all that is kept.</param>
/// <param name="weigh">What one value weighs.</param>
internal sealed class MessageMemory<TValue>(long most, Func<TValue, long> weigh)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<MessageId, LinkedListNode<(MessageId Id, TValue Value)>> _messages = [];
    private readonly LinkedList<(MessageId Id, TValue Value)> _oldestFirst = new();
    private long _weight;

    public bool TryFind(MessageId id, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            var isKnown = _messages.TryGetValue(id, out var message);
            value = isKnown ? message!.Value.Value : default;
            return isKnown;
        }
    }

    public void Set(MessageId id, TValue value)
    {
        lock (_lock)
        {
            Remove(id);
            _messages[id] = _oldestFirst.AddLast((id, value));
            _weight += weigh(value);
            while (_weight > most)
                Remove(_oldestFirst.First!.Value.Id);
        }
    }

    public void Forget(MessageId id)
    {
        lock (_lock)
            Remove(id);
    }

    private void Remove(MessageId id)
    {
        if (!_messages.Remove(id, out var message))
            return;
        _oldestFirst.Remove(message);
        _weight -= weigh(message.Value.Value);
    }
}
