namespace Runnel.Layers.Topics;

/// <summary>The messages that a topic holds back while it is not known what was missed, in the order in which they were heard. Bounded.</summary>
internal sealed class HeldMessages
{
    private const int Most = 16_384;
    private const long MostBytes = 16 * 1024 * 1024;

    private readonly List<BackplaneMessage> _messages = [];
    private long _bytes;
    private int _heardBeforeRead;

    /// <summary>Whether a kept message found no room: it is in the history.</summary>
    public bool HasLeftOut { get; private set; }

    /// <summary>Whether a message is lost that no history holds.</summary>
    public bool HasLost { get; set; }

    public int Count => _messages.Count;

    public BackplaneMessage this[int index] => _messages[index];

    public void Add(BackplaneMessage message, bool canBeRead)
    {
        if (HasRoomFor(message.Payload.Length))
        {
            _messages.Add(message);
            _bytes += message.Payload.Length;
            return;
        }
        if (canBeRead)
        {
            HasLeftOut = true;
            return;
        }
        HasLost = true;
        LayerTelemetry.MessagesDropped("outage");
    }

    /// <summary>The history is read now.</summary>
    public void BeginRead() => _heardBeforeRead = _messages.Count;

    /// <summary>Whether a message was heard before the history was read last.</summary>
    public bool WasHeardBeforeRead(int index) => index < _heardBeforeRead;

    /// <summary>How many messages stand up to this position: the kept ones of its history that are not behind it, and all that were heard before them.</summary>
    public int CountUpTo(Position position)
    {
        var count = 0;
        for (var i = 0; i < _messages.Count; i++)
        {
            if (_messages[i].Position is var heard && (heard == Position.None || heard.Epoch != position.Epoch))
                continue;
            if (heard.Offset > position.Offset)
                break;
            count = i + 1;
        }
        return count;
    }

    public void RemoveFirst(int count)
    {
        for (var i = 0; i < count; i++)
            _bytes -= _messages[i].Payload.Length;
        _messages.RemoveRange(0, count);
        _heardBeforeRead -= Math.Min(count, _heardBeforeRead);
    }

    // What comes behind a message that was left out would be handed on before it.
    private bool HasRoomFor(int bytes) => !HasLeftOut && (_messages.Count == 0 || (_messages.Count < Most && _bytes + bytes <= MostBytes));
}
