using Runnel.Layers;

namespace Runnel.Frames;

/// <summary>What groups send to a connection whose consumer is still connecting: held back in order, and bounded.</summary>
/// <param name="waiting">Where each message takes its room.</param>
internal sealed class HeldFrames(WaitingBytes waiting)
{
    private readonly Lock _lock = new();
    private List<GroupMessage>? _messages;
    private bool _hasLost;
    private bool _released;

    /// <summary>Holds a message back, unless the others have been released meanwhile.</summary>
    /// <param name="message">The message.</param>
    /// <param name="overflow">How many messages are held, if there was no room for this one and it is lost; otherwise <see langword="null"/>.</param>
    public bool TryAdd(GroupMessage message, out int? overflow)
    {
        overflow = null;
        lock (_lock)
        {
            if (_released)
                return false;
            _messages ??= [];
            // After a loss none is held: what follows would come without what went before.
            _hasLost = _hasLost || !waiting.TryTake(message);
            if (!_hasLost)
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
            GiveBack(); // first, since what lines up behind an event takes its room again
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
            GiveBack();
            _released = true;
        }
    }

    private void GiveBack() => _messages?.ForEach(waiting.GiveBack);
}
