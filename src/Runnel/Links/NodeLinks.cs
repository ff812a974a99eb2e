using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Links;

/// <summary>Sends to other nodes: each item once and in the order sent, unless one of the two nodes ends. Thread-safe.</summary>
/// <remarks>
/// <para>
/// A link stands on the inboxes of both nodes, which may lose messages. So what is sent is kept until the other node has it, and sent again when that asks for it, when the layer is connected again,
/// and when nothing was heard for a second. A link survives every interruption of the layer for as long as both nodes live (<see cref="INodes"/>). When there is nothing to say, nothing is sent.
/// </para>
/// <para>Nothing bounds what waits for a node: whoever sends keeps a window of its own.</para>
/// </remarks>
internal sealed class NodeLinks : IAsyncDisposable
{
    /// <summary>Why items were dropped whose link ended, for the counter.</summary>
    public const string DroppedWithLink = "link-ended";

    private readonly NodeContext _context;
    private readonly INodes _nodes;
    private readonly ConcurrentDictionary<string, LinkPeer> _peers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, LinkPeer>.AlternateLookup<ReadOnlySpan<char>> _peersByText;
    private readonly ILinkReceiver?[] _receivers = new ILinkReceiver?[byte.MaxValue + 1];
    private readonly bool[] _unknown = new bool[byte.MaxValue + 1]; // the kinds of items that have been logged
    private readonly CancellationTokenSource _stopping = new();
    private readonly long _origin;
    private readonly Lock _timerLock = new();
    private readonly ITimer _timer;
    private long _wakesAt = long.MaxValue;
    private long _lastSession;
    private Task _watching = Task.CompletedTask;

    public NodeLinks(NodeContext context, IBackplane backplane, INodes nodes)
    {
        (_context, Backplane, _nodes) = (context, backplane, nodes);
        _origin = context.TimeProvider.GetTimestamp();
        _peersByText = _peers.GetAlternateLookup<ReadOnlySpan<char>>();
        _timer = context.TimeProvider.CreateTimer(static state => ((NodeLinks)state!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Raised when a link has ended and its receivers know; now a new one may begin. A handler must not block.</summary>
    public event Action<string>? Ended;

    public string NodeId => _context.Id;

    public ILogger Logger => _context.Logger;

    public IBackplane Backplane { get; }

    /// <summary>The time, in ticks since some moment.</summary>
    public long Now => _context.TimeProvider.GetElapsedTime(_origin).Ticks;

    /// <summary>Says who receives the items of a kind. Call it before the host starts.</summary>
    public void Register(LinkKind kind, ILinkReceiver receiver) => _receivers[(byte)kind] = receiver;

    /// <summary>Sends an item to another node. Never waits.</summary>
    public void Send(string nodeId, LinkItem item)
    {
        if (nodeId == NodeId)
            throw new ArgumentException("A node has no link with itself.", nameof(nodeId));
        while (true)
        {
            var peer = _peers.GetOrAdd(nodeId, static (id, links) => new LinkPeer(links, id), this);
            if (peer.GetOrBegin() is not { } link)
                continue;
            link.Send(item);
            return;
        }
    }

    /// <summary>Completes when the receivers on another node have all that was sent to it, or the link with it has ended.</summary>
    public Task FlushAsync(string nodeId, CancellationToken cancellationToken) =>
        _peers.TryGetValue(nodeId, out var peer) && peer.Link is { } link ? link.FlushAsync().WaitAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Completes when the receivers on all other nodes have what was sent to them, or the links with them have ended. It waits for no node that is unknown and has never answered: it may have left.</summary>
    public Task FlushAllAsync() => Task.WhenAll(_peers.Values.Where(static peer => peer.IsListed || peer.Link is { Peer: not 0 }).Select(peer => FlushAsync(peer.NodeId, CancellationToken.None)));

    /// <summary>Begins to follow who lives. The node's inbox is heard by then.</summary>
    public void Open()
    {
        Backplane.StateChanged += OnStateChanged;
        _watching = WatchAsync();
    }

    /// <summary>Takes a message of the node's inbox.</summary>
    /// <returns>Whether it was for a link.</returns>
    /// <exception cref="FormatException">It was, and cannot be read.</exception>
    public bool TryTake(ReadOnlyMemory<byte> payload)
    {
        if (!LinkHeader.TryRead(payload.Span, out var header))
            return false;
        Span<char> id = stackalloc char[byte.MaxValue];
        id = id[..Encoding.ASCII.GetChars(header.NodeId, id)];
        while (!_stopping.IsCancellationRequested)
        {
            if (!_peersByText.TryGetValue(id, out var peer))
                peer = _peers.GetOrAdd(id.ToString(), static (id, links) => new LinkPeer(links, id), this);
            if (peer.Receive(header, payload))
                break;
        }
        return true;
    }

    /// <summary>Messages of the node's inbox may be missing.</summary>
    public void OnGap()
    {
        foreach (var peer in _peers.Values)
            peer.Link?.AskAgain();
    }

    /// <summary>Ends all links. Nobody is told: the node leaves.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Backplane.StateChanged -= OnStateChanged;
        await _timer.DisposeAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var peer in _peers.Values)
            peer.Link?.End();
    }

    /// <summary>A number for a new session. Sessions of a node grow, so that the later one of two is known.</summary>
    internal long NextSession() => Interlocked.Increment(ref _lastSession);

    /// <summary>Has <see cref="NodeLink.Tick"/> called at a time.</summary>
    internal void WakeAt(long at)
    {
        if (Volatile.Read(ref _wakesAt) <= at)
            return;
        lock (_timerLock)
        {
            if (_wakesAt <= at || _stopping.IsCancellationRequested)
                return;
            _wakesAt = at;
            // Rounded up, or a timer that counts in milliseconds would fire too early, and again and again.
            var milliseconds = Math.Max(0, (at - Now + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);
            _timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Hands an item to its receiver.</summary>
    internal void Deliver(LinkKind kind, string nodeId, ReadOnlyMemory<byte> body)
    {
        if (_receivers[(byte)kind] is not { } receiver)
        {
            LayerTelemetry.MessagesDropped("unknown-link-item");
            if (!Interlocked.Exchange(ref _unknown[(byte)kind], true))
                Log.LinkItemUnknown(Logger, nodeId, (byte)kind);
            return;
        }
        try
        {
            receiver.OnMessage(nodeId, body);
        }
        catch (Exception exception)
        {
            Log.LinkReceiverFailed(Logger, exception, kind.ToString(), nodeId);
        }
    }

    /// <summary>Tells the receivers of the end of a link.</summary>
    internal void OnEnded(string nodeId)
    {
        foreach (var receiver in _receivers.OfType<ILinkReceiver>())
        {
            try
            {
                receiver.OnEnded(nodeId);
            }
            catch (Exception exception)
            {
                Log.LinkReceiverFailed(Logger, exception, "the end of the link", nodeId);
            }
        }
    }

    /// <summary>Raises <see cref="Ended"/>.</summary>
    internal void RaiseEnded(string nodeId) => Ended?.Invoke(nodeId);

    /// <summary>An item could not be written, so what is behind it cannot go out either.</summary>
    internal void Fail(string nodeId, Exception exception)
    {
        Log.LinkItemUnwritable(Logger, exception, nodeId);
        if (_peers.TryGetValue(nodeId, out var peer))
            peer.End("an item could not be written", tells: true);
    }

    /// <summary>Tells a node that the link of two sessions has ended; 0 stands for a session that is not known.</summary>
    internal void TellEnded(string nodeId, long from, long to)
    {
        var writer = new LinkWriter();
        writer.Begin(NodeId);
        var packet = writer.End();
        LinkHeader.Stamp(packet, LinkFlags.Ended, from, to, number: 0, received: 0);
        _ = Task.Run(() => TellEndedAsync(nodeId, packet.ToArray()));
    }

    // A node that does not hear it hears it when it sends the next time, or learns that others took it for dead.
    private async Task TellEndedAsync(string nodeId, byte[] packet)
    {
        try
        {
            await Backplane.PublishAsync(Topic.OfNode(nodeId), packet, retention: null).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Log.LinkEndUntold(Logger, nodeId, exception.Message);
        }
    }

    private void Tick()
    {
        lock (_timerLock)
            _wakesAt = long.MaxValue;
        var now = Now;
        foreach (var peer in _peers.Values)
        {
            if (peer.Link is not null && IsForgotten(peer))
                Forget(peer, "the other node is unknown");
            else if (peer.Link?.Tick(now) is { } next)
                WakeAt(next);
        }
    }

    private void OnStateChanged(BackplaneState state)
    {
        if (state != BackplaneState.Connected)
            return;
        foreach (var peer in _peers.Values)
            peer.Link?.Resume();
    }

    private async Task WatchAsync()
    {
        await foreach (var change in _nodes.WatchAsync(_stopping.Token).ConfigureAwait(false))
        {
            if (change.Node.Id == NodeId)
                OnSelf(change);
            else
                OnChange(change);
        }
    }

    // Others took this node for dead, and have ended their links with it, or will.
    private void OnSelf(NodeChange change)
    {
        if (change is not { Kind: NodeChangeKind.Joined, Node.Incarnation: > 1 })
            return;
        foreach (var peer in _peers.Values)
            peer.End("this node was dead to others", tells: true);
    }

    private void OnChange(NodeChange change)
    {
        if (change.Kind == NodeChangeKind.Joined)
        {
            _peers.GetOrAdd(change.Node.Id, static (id, links) => new LinkPeer(links, id), this).IsListed = true;
            return;
        }
        foreach (var peer in _peers.Values)
        {
            if (peer.NodeId != change.Node.Id && !IsForgotten(peer))
                continue;
            peer.IsListed = false;
            Forget(peer, "the other node left or died");
        }
    }

    private void Forget(LinkPeer peer, string why)
    {
        peer.End(why, tells: true);
        if (peer.TryRetire())
            _peers.TryRemove(new(peer.NodeId, peer));
    }

    // It was heard once, and never became one of the nodes.
    private bool IsForgotten(LinkPeer peer) => !peer.IsListed && (peer.Link is not { } link || Now - link.Began > LinkLimits.UnknownNode);
}
