using System.Buffers.Binary;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Links;

/// <summary>One session of a link: numbers what goes to another node, keeps it until that has it, and takes what comes from there in order.</summary>
/// <remarks>One packet is published at a time, and what is sent meanwhile goes together in the next one. Thread-safe; <see cref="Receive"/> is called by one thread at a time.</remarks>
internal sealed class NodeLink(NodeLinks links, string nodeId, long session) : IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private readonly LinkOutbox _outbox = new();
    private readonly LinkWriter _writer = new(); // only whoever publishes uses it
    private readonly Topic _topic = Topic.OfNode(nodeId);
    private readonly List<(long Items, TaskCompletionSource Done)> _flushing = [];
    private long _peer;
    private long _received;
    private long _lacking; // the number after which packets were asked for
    private int _unconfirmedPackets;
    private long _unconfirmedBytes;
    private LinkFlags _toSay;
    private bool _tells; // even if nothing is to be sent
    private bool _isPublishing;
    private bool _rests; // publishing has failed
    private bool _hasEnded;
    private long? _confirmAt, _sendAgainAt;
    private long _sendAgainAfter = LinkLimits.SendAgainAfter;

    /// <summary>This node's session.</summary>
    public long Session => session;

    /// <summary>When it began.</summary>
    public long Began { get; } = links.Now;

    /// <summary>The other node's session; 0 until that has said something.</summary>
    public long Peer
    {
        get => Volatile.Read(ref _peer);
        set => Volatile.Write(ref _peer, value);
    }

    /// <summary>Sends an item. After the end it is dropped.</summary>
    public void Send(LinkItem item)
    {
        lock (_lock)
        {
            if (_hasEnded)
            {
                LayerTelemetry.MessagesDropped(NodeLinks.DroppedWithLink);
                return;
            }
            _outbox.Add(item);
            Publish();
        }
    }

    /// <summary>Completes when the other node has all that was sent, or the link has ended.</summary>
    public Task FlushAsync()
    {
        lock (_lock)
        {
            if (_hasEnded || _outbox.ItemsConfirmed == _outbox.Items)
                return Task.CompletedTask;
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _flushing.Add((_outbox.Items, done));
            Tell(LinkFlags.Answer);
            return done.Task;
        }
    }

    /// <summary>Takes a packet of the other node.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="items">Its items, valid for as long as somebody holds them.</param>
    public void Receive(in LinkHeader header, ReadOnlyMemory<byte> items)
    {
        var answers = header.Flags.HasFlag(LinkFlags.Answer);
        var hasItems = header.Flags.HasFlag(LinkFlags.Items);
        lock (_lock)
        {
            if (_hasEnded)
                return;
            if (header.To == session)
                Confirm(header.Received);
            if (header.Flags.HasFlag(LinkFlags.SendAgain))
                _outbox.SendAgain();
            Publish();
            if (!hasItems || header.Number != _received + 1)
            {
                if (header.Number > _received)
                    AskForMissing();
                else if (answers || hasItems)
                    Tell(LinkFlags.None);
                return;
            }
        }
        Deliver(items);
        lock (_lock)
            Count(items.Length, answers);
    }

    /// <summary>Packets for this node may be missing.</summary>
    public void AskAgain()
    {
        lock (_lock)
        {
            if (Peer != 0)
                Tell(LinkFlags.SendAgain);
        }
    }

    /// <summary>The layer reaches the other nodes again; what was sent meanwhile may be lost.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            _rests = false;
            _outbox.SendAgain();
            Publish();
        }
    }

    /// <summary>Does what has fallen due.</summary>
    /// <returns>When to call again; <see langword="null"/>: when somebody says so.</returns>
    public long? Tick(long now)
    {
        lock (_lock)
        {
            if (_hasEnded)
                return null;
            if (_confirmAt <= now)
                Tell(LinkFlags.None);
            if (_sendAgainAt <= now)
                SendAgain(now);
            Publish();
            return _confirmAt is { } confirm && _sendAgainAt is { } again ? Math.Min(confirm, again) : _confirmAt ?? _sendAgainAt;
        }
    }

    /// <summary>Ends it. What the other node does not have is dropped.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (_hasEnded)
                return;
            _hasEnded = true;
            LayerTelemetry.MessagesDropped(NodeLinks.DroppedWithLink, (int)(_outbox.Items - _outbox.ItemsConfirmed));
            _outbox.Clear();
            foreach (var (_, done) in _flushing)
                done.TrySetResult();
            _flushing.Clear();
        }
    }

    // On the thread pool, so that a layer that delivers on its publisher's thread finds no lock held.
    public void Execute() => _ = PublishAllAsync();

    private async Task PublishAllAsync()
    {
        try
        {
            while (Next() is { } packet)
                await PublishAsync(packet).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            links.Fail(nodeId, exception);
        }
    }

    private async ValueTask PublishAsync(LinkPacket packet)
    {
        try
        {
            await links.Backplane.PublishAsync(_topic, packet.Memory, retention: null).ConfigureAwait(false);
            OnPublished(packet);
        }
        catch (Exception exception)
        {
            OnFailed(packet, exception);
        }
    }

    private LinkPacket? Next()
    {
        while (true)
        {
            lock (_lock)
            {
                if (!_hasEnded && !_rests)
                {
                    if (_outbox.TakePacket() is { } packet)
                        return Stamped(packet, LinkFlags.Items, packet.Number);
                    if (_tells && !_outbox.HasItemsToPack)
                        return Stamped(NewControl(), LinkFlags.None, _outbox.Sent);
                }
                if (_hasEnded || _rests || !_outbox.HasItemsToPack)
                {
                    _isPublishing = false;
                    return null;
                }
            }
            Pack();
        }
    }

    // Outside the lock: who sends does not wait for it.
    private void Pack()
    {
        _writer.Begin(links.NodeId);
        while (_writer.Length < LinkLimits.PacketBytes && TakeItem() is { } item)
            _writer.Write(item);
        lock (_lock)
        {
            if (!_hasEnded)
                _outbox.Add(_writer.End());
        }
    }

    private LinkItem? TakeItem()
    {
        lock (_lock)
            return _outbox.TryTakeItem(out var item) ? item : null;
    }

    private LinkPacket NewControl()
    {
        _writer.Begin(links.NodeId);
        var packet = new LinkPacket(_writer.End(), number: 0, items: 0);
        packet.Leave();
        packet.Done(); // nobody confirms it
        return packet;
    }

    private LinkPacket Stamped(LinkPacket packet, LinkFlags flags, long number)
    {
        flags |= _flushing.Count > 0 ? _toSay | LinkFlags.Answer : _toSay;
        LinkHeader.Stamp(packet.Span, flags, session, Peer, number, _received);
        (_toSay, _tells, _confirmAt, _unconfirmedPackets, _unconfirmedBytes) = (LinkFlags.None, false, null, 0, 0);
        packet.Leave();
        return packet;
    }

    private void OnPublished(LinkPacket packet)
    {
        lock (_lock)
        {
            packet.Arrive(isKeptByLayer: false);
            if (_sendAgainAt is null && _outbox.HasUnconfirmed)
                links.WakeAt((_sendAgainAt = links.Now + _sendAgainAfter).Value);
        }
    }

    private void OnFailed(LinkPacket packet, Exception exception)
    {
        if (!_rests && exception is not ObjectDisposedException)
            Log.LinkNotPublished(links.Logger, nodeId, exception.Message);
        lock (_lock)
        {
            packet.Arrive(isKeptByLayer: true);
            _outbox.SendAgain();
            (_rests, _tells) = (true, true);
            links.WakeAt((_sendAgainAt = links.Now + _sendAgainAfter).Value);
        }
    }

    private void Publish()
    {
        if (_isPublishing || _hasEnded || _rests || !(_tells || _outbox.HasSomethingToSend))
            return;
        _isPublishing = true;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Tell(LinkFlags flags)
    {
        _toSay |= flags;
        _tells = true;
        _confirmAt = null;
        Publish();
    }

    private void Confirm(long number)
    {
        if (!_outbox.Confirm(number))
            return;
        _sendAgainAfter = LinkLimits.SendAgainAfter;
        _sendAgainAt = _outbox.HasUnconfirmed || _rests ? links.Now + _sendAgainAfter : null;
        for (var i = _flushing.Count - 1; i >= 0; i--)
        {
            if (_flushing[i].Items > _outbox.ItemsConfirmed)
                continue;
            _flushing[i].Done.TrySetResult();
            _flushing.RemoveAt(i);
        }
    }

    private void SendAgain(long now)
    {
        _rests = false;
        _sendAgainAt = null;
        if (!_outbox.HasUnconfirmed)
            return;
        // What is still on its way to the layer is not late.
        if (!_isPublishing)
        {
            _outbox.SendAgain();
            _toSay |= LinkFlags.Answer;
            _sendAgainAfter = Math.Min(_sendAgainAfter * 2, LinkLimits.SendAgainWithin);
        }
        _sendAgainAt = now + _sendAgainAfter;
    }

    // When it has been delivered: whoever hears that another node has something knows that its receiver has it.
    private void Count(int bytes, bool answers)
    {
        _received++;
        _unconfirmedBytes += bytes;
        if (++_unconfirmedPackets >= LinkLimits.PacketsPerConfirmation || _unconfirmedBytes >= LinkLimits.BytesPerConfirmation || answers)
            Tell(LinkFlags.None);
        else if (_confirmAt is null && !_tells)
            links.WakeAt((_confirmAt = links.Now + LinkLimits.ConfirmAfter).Value);
    }

    // Once: what comes behind the missing ones asks no more. If it gets lost, the other node sends again by itself.
    private void AskForMissing()
    {
        if (_lacking == _received + 1)
            return;
        _lacking = _received + 1;
        Tell(LinkFlags.SendAgain);
    }

    private void Deliver(ReadOnlyMemory<byte> items)
    {
        while (items.Length > 0)
        {
            var length = items.Length < LinkHeader.ItemHead ? -1 : BinaryPrimitives.ReadInt32LittleEndian(items.Span[1..]);
            if (length < 0 || length > items.Length - LinkHeader.ItemHead)
                throw new FormatException("A packet from another node ends in the middle of an item.");
            links.Deliver((LinkKind)items.Span[0], nodeId, items.Slice(LinkHeader.ItemHead, length));
            items = items[(LinkHeader.ItemHead + length)..];
        }
    }
}
