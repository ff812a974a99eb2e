using Runnel.Nodes;

namespace Runnel.Links;

/// <summary>Another node: the link with it, if there is one, and what is known of the links that have ended.</summary>
internal sealed class LinkPeer(NodeLinks links, string nodeId)
{
    private static readonly long RestBetweenRefusals = TimeSpan.FromMilliseconds(100).Ticks;

    // Held while receivers are called, so that they hear one thing after the other.
    private readonly Lock _delivery = new();
    private readonly Lock _lock = new();
    private NodeLink? _link;
    private bool _isRetired;
    private long _lastPeer; // the latest session of the other node that has ended here
    private long? _refusedAt;
    private byte _unknownVersion;

    public string NodeId => nodeId;

    /// <summary>Whether it is one of the nodes, as far as this one knows.</summary>
    public bool IsListed { get; set; }

    /// <summary>The link, if there is one.</summary>
    public NodeLink? Link
    {
        get
        {
            lock (_lock)
                return _link;
        }
    }

    /// <summary>The link, which begins now if there is none.</summary>
    /// <returns><see langword="null"/> if this object is not used any more.</returns>
    public NodeLink? GetOrBegin()
    {
        lock (_lock)
            return _isRetired ? null : _link ??= new NodeLink(links, nodeId, links.NextSession());
    }

    /// <summary>Ends the use of this object, if there is no link.</summary>
    public bool TryRetire()
    {
        lock (_lock)
            return _isRetired = _link is null;
    }

    /// <summary>Takes a packet.</summary>
    /// <returns><see langword="false"/> if this object is not used any more.</returns>
    public bool Receive(in LinkHeader header, ReadOnlyMemory<byte> envelope)
    {
        lock (_delivery)
        {
            var link = Link;
            if (!header.IsKnown)
            {
                RefuseVersion(header.PacketVersion);
                Refuse(header.From);
            }
            else if (header.Flags.HasFlag(LinkFlags.Ended))
            {
                if (link is not null && (header.To == link.Session || (header.From != 0 && header.From == link.Peer)))
                    End("the other node ended it", tells: false);
            }
            else if (link is not null && header.From == link.Peer)
            {
                if (header.To == 0 || header.To == link.Session)
                    Take(link, header, envelope);
                else
                    Refuse(header.From);
            }
            else if (header.From <= _lastPeer || header.From < link?.Peer)
            {
                Refuse(header.From); // from before
            }
            else
            {
                if (link is { Peer: not 0 })
                    End("the other node began a new one", tells: false);
                return Begin(header, envelope);
            }
            return true;
        }
    }

    /// <summary>Ends the link, if there is one, and tells the receivers.</summary>
    /// <param name="why">Why, for the log; <see langword="null"/> if that has been logged before.</param>
    /// <param name="tells">Whether the other node is told.</param>
    public void End(string? why, bool tells)
    {
        lock (_delivery)
        {
            if (Link is not { } link)
                return;
            if (why is not null)
                Log.LinkEnded(links.Logger, nodeId, why);
            link.End();
            _lastPeer = Math.Max(_lastPeer, link.Peer);
            if (tells)
                links.TellEnded(nodeId, link.Session, link.Peer);
            links.OnEnded(nodeId);
            lock (_lock)
                _link = null;
        }
        links.RaiseEnded(nodeId);
    }

    private bool Begin(in LinkHeader header, ReadOnlyMemory<byte> envelope)
    {
        if (header.To != 0 && header.To != Link?.Session)
        {
            Refuse(header.From);
            return true;
        }
        if (GetOrBegin() is not { } link)
            return false;
        link.Peer = header.From;
        Take(link, header, envelope);
        return true;
    }

    private void Take(NodeLink link, in LinkHeader header, ReadOnlyMemory<byte> envelope)
    {
        try
        {
            link.Receive(header, envelope[header.ItemsAt..]);
        }
        catch (FormatException exception)
        {
            Log.InboxMessageUnreadable(links.Logger, exception);
            End("a packet could not be read", tells: true);
        }
    }

    private void RefuseVersion(byte version)
    {
        var isNew = Interlocked.Exchange(ref _unknownVersion, version) != version;
        if (isNew)
            Log.LinkVersionUnknown(links.Logger, nodeId, version, LinkHeader.Version);
        End(isNew ? "the other node speaks another version" : null, tells: true); // both try again every second
    }

    // It is told again when it says something again.
    private void Refuse(long session)
    {
        if (links.Now - _refusedAt < RestBetweenRefusals)
            return;
        _refusedAt = links.Now;
        links.TellEnded(nodeId, from: 0, session);
    }
}
