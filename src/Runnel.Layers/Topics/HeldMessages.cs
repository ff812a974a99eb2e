namespace Runnel.Layers.Topics;

/// <summary>The messages that a topic holds back while it is not known what was missed, in the order in which they were heard. Bounded.</summary>
internal sealed class HeldMessages
{
    private const int Most = 16_384;

    private readonly List<BackplaneMessage> _messages = [];

    /// <summary>Whether a kept message found no room: it is in the history.</summary>
    public bool HasLeftOut { get; private set; }

    /// <summary>Whether a message found no room that no history holds.</summary>
    public bool HasDropped { get; private set; }

    public int Count => _messages.Count;

    public BackplaneMessage this[int index] => _messages[index];

    public void Add(BackplaneMessage message, bool canBeRead)
    {
        if (_messages.Count < Most)
        {
            _messages.Add(message);
            return;
        }
        if (canBeRead)
        {
            HasLeftOut = true;
            return;
        }
        HasDropped = true;
        LayerTelemetry.MessagesDropped("outage");
    }

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

    public void RemoveFirst(int count) => _messages.RemoveRange(0, count);
}
