namespace Runnel.Layers.Topics;

/// <summary>The messages that a topic holds back while it is not known what was missed, in the order in which they were heard, and the places where others may be missing. Bounded.</summary>
internal sealed class HeldMessages
{
    private const int Most = 16_384;
    private const long MostBytes = 16 * 1024 * 1024;

    private readonly List<HeldMessage> _held = [];
    private int _messages;
    private long _bytes;
    private int _heardBeforeRead;

    /// <summary>Whether a kept message found no room: it is in the history.</summary>
    public bool HasLeftOut { get; private set; }

    /// <summary>Whether a message is lost that no history holds.</summary>
    public bool HasLost { get; set; }

    public int Count => _held.Count;

    public HeldMessage this[int index] => _held[index];

    public void Add(BackplaneMessage message, bool canBeRead)
    {
        if (HasRoomFor(message.Payload.Length))
        {
            _held.Add(new HeldMessage(message));
            _messages++;
            _bytes += message.Payload.Length;
            return;
        }
        if (canBeRead)
        {
            HasLeftOut = true;
            return;
        }
        AddDoubt(HeldDoubt.Certain);
        LayerTelemetry.MessagesDropped("outage");
    }

    /// <summary>Messages may be missing behind all that is held.</summary>
    public void AddDoubt(HeldDoubt doubt)
    {
        if (_held is [.., { Doubt: not HeldDoubt.None } last])
            _held[^1] = last with { Doubt = last.Doubt | doubt };
        else
            _held.Add(new HeldMessage(default, doubt));
    }

    /// <summary>The wire that was broken is whole.</summary>
    /// <param name="isToBeTold">Whether somebody listened meanwhile.</param>
    public void Mend(bool isToBeTold)
    {
        for (var i = _held.Count - 1; i >= 0; i--)
        {
            if (_held[i].IsBroken)
                Replace(i, (_held[i].Doubt & ~HeldDoubt.Broken) | (isToBeTold ? HeldDoubt.UnlessKept : HeldDoubt.None));
        }
    }

    /// <summary>The history is read now.</summary>
    public void BeginRead() => _heardBeforeRead = _held.Count;

    /// <summary>Whether a message was heard before the history was read last.</summary>
    public bool WasHeardBeforeRead(int index) => index < _heardBeforeRead;

    /// <summary>How many stand up to this position: the kept ones of its history that are not behind it, and all that were heard before them.</summary>
    public int CountUpTo(Position position)
    {
        var count = 0;
        for (var i = 0; i < _held.Count; i++)
        {
            if (_held[i].Message.Position is var heard && (heard == Position.None || heard.Epoch != position.Epoch))
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
        {
            _messages -= _held[i].Doubt == HeldDoubt.None ? 1 : 0;
            _bytes -= _held[i].Message.Payload.Length;
        }
        _held.RemoveRange(0, count);
        _heardBeforeRead -= Math.Min(count, _heardBeforeRead);
    }

    private void Replace(int index, HeldDoubt doubt)
    {
        if (doubt != HeldDoubt.None)
        {
            _held[index] = new HeldMessage(default, doubt);
            return;
        }
        _held.RemoveAt(index);
        if (index < _heardBeforeRead)
            _heardBeforeRead--;
    }

    // What comes behind a message that was left out would be handed on before it.
    private bool HasRoomFor(int bytes) => !HasLeftOut && (_messages == 0 || (_messages < Most && _bytes + bytes <= MostBytes));
}
