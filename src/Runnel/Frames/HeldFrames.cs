using Runnel.Layers;

namespace Runnel.Frames;

/// <summary>What groups send to a connection whose consumer is still connecting: held back in order, and bounded.</summary>
internal sealed class HeldFrames(int maxBytes)
{
    private readonly Lock _lock = new();
    private List<GroupMessage>? _messages;
    private long _cost;
    private bool _released;

    /// <summary>Holds a message back, unless the others have been released meanwhile.</summary>
    /// <param name="message">The message.</param>
    /// <param name="overflow">How many messages are held, if there was no room for this one and it is lost; otherwise 0.</param>
    public bool TryAdd(GroupMessage message, out int overflow)
    {
        overflow = 0;
        lock (_lock)
        {
            if (_released)
                return false;
            _messages ??= [];
            _cost += message.Cost;
            // One may always wait. After a loss none does: what follows would come without what went before.
            if (_messages.Count == 0 || _cost <= maxBytes)
                _messages.Add(message);
            else
                overflow = _messages.Count;
            return true;
        }
    }

    /// <summary>Hands on what is held, before anything that is added from here on can go its own way.</summary>
    public void Release(Action<GroupMessage> handOn)
    {
        lock (_lock)
        {
            try
            {
                _messages?.ForEach(handOn);
            }
            finally
            {
                _released = true;
            }
        }
    }

    /// <summary>Forgets what is held: the connection is over.</summary>
    public void Drop()
    {
        lock (_lock)
        {
            LayerTelemetry.MessagesDropped("connection-gone", _messages?.Count ?? 0);
            _released = true;
        }
    }
}
