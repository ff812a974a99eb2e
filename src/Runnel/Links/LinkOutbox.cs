using System.Diagnostics.CodeAnalysis;

namespace Runnel.Links;

/// <summary>What a link has to send: items that wait, and packets until the other node has them. Not thread-safe.</summary>
internal sealed class LinkOutbox
{
    private readonly Queue<LinkItem> _waiting = new();
    private LinkItem? _latest;
    private LinkPacket? _first, _last;
    private LinkPacket? _next; // the first that was not sent, or has to be sent again
    private int _underWay;
    private long _bytesUnderWay;
    private int _most = LinkLimits.MostUnderWay;
    private long _confirmed;
    private long _lastNumber;
    private long _itemsTaken;

    /// <summary>How many items were added.</summary>
    public long Items { get; private set; }

    /// <summary>How many of them the other node has.</summary>
    public long ItemsConfirmed { get; private set; }

    /// <summary>The number of the last packet that was sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Whether the other node may lack packets.</summary>
    public bool HasUnconfirmed => _first is not null;

    /// <summary>Whether items wait, none of the packets do, and another packet may be sent.</summary>
    public bool HasItemsToPack => _waiting.Count > 0 && _next is null && HasRoom;

    /// <summary>Whether there is something that may be sent now.</summary>
    public bool HasSomethingToSend => (_next is not null || _waiting.Count > 0) && HasRoom;

    private bool HasRoom => _underWay < _most && _bytesUnderWay < LinkLimits.MostBytesUnderWay;

    public void Add(LinkItem item)
    {
        if (_latest?.TryMerge(item) == true)
            return;
        _waiting.Enqueue(_latest = item);
        Items++;
    }

    /// <summary>Takes the next item for a packet.</summary>
    public bool TryTakeItem([NotNullWhen(true)] out LinkItem? item)
    {
        if (!_waiting.TryDequeue(out item))
            return false;
        if (_waiting.Count == 0)
            _latest = null;
        _itemsTaken++;
        return true;
    }

    /// <summary>Adds a packet of the items that were taken.</summary>
    public void Add(ArraySegment<byte> content)
    {
        var packet = new LinkPacket(content, ++_lastNumber, _itemsTaken);
        if (_last is null)
            _first = packet;
        else
            _last.Next = packet;
        _last = packet;
        _next ??= packet;
    }

    /// <summary>Takes the next packet to send; it stays here until it is confirmed.</summary>
    public LinkPacket? TakePacket()
    {
        if (_next is not { } packet || !HasRoom)
            return null;
        _next = packet.Next;
        Sent = packet.Number;
        _underWay++;
        _bytesUnderWay += packet.Memory.Length;
        return packet;
    }

    /// <summary>The other node has all packets up to a number.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Confirm(long number)
    {
        if (number <= _confirmed || number > _lastNumber)
            return false;
        while (_first is { } packet && packet.Number <= number)
        {
            if (packet == _next)
                _next = packet.Next; // it did not have to be sent again
            else
                (_underWay, _bytesUnderWay) = (_underWay - 1, _bytesUnderWay - packet.Memory.Length);
            ItemsConfirmed = packet.Items;
            _first = packet.Next;
            packet.Done();
        }
        if (_first is null)
            _last = null;
        _confirmed = number;
        Sent = Math.Max(Sent, number);
        _most = Math.Min(_most * 2, LinkLimits.MostUnderWay);
        return true;
    }

    /// <summary>What was sent and not confirmed may be lost.</summary>
    public void SendAgain()
    {
        (_next, _underWay, _bytesUnderWay, _most) = (_first, 0, 0, LinkLimits.FewUnderWay);
        Sent = _confirmed;
    }

    /// <summary>Nobody wants any of it any more.</summary>
    public void Clear()
    {
        for (var packet = _first; packet is not null; packet = packet.Next)
            packet.Done();
        (_first, _last, _next, _latest) = (null, null, null, null);
        _waiting.Clear();
    }
}
