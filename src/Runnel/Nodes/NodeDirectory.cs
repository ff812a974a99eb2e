using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Runnel.Layers;

namespace Runnel.Nodes;

/// <summary>Says that this node lives, and hears the others. It has no loop: <see cref="NodeHeart"/> calls <see cref="Beat"/>.</summary>
/// <remarks>
/// Nodes are judged when this one hears its own beat: the layer keeps the order, so what the others said before that has been heard. Only <see cref="Beat"/> speaks, so hearing
/// never waits for sending.
/// </remarks>
internal sealed class NodeDirectory : INodes
{
    private const int BeatsPerLease = 5;

    // A layer that does not answer must not hold up the stop: then the others notice by the lease.
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(1);

    private readonly NodeContext _context;
    private readonly IBackplane _backplane;
    private readonly IProofOfLife? _proof;
    private readonly NodeTable _table;
    private readonly NodeErrand _ask = new(), _tell = new();
    private readonly ConcurrentQueue<NodeNotice> _heardAgain = new();
    private readonly Lock _lock = new();
    private Task<ITopicSubscription>? _subscribing;
    private string? _toldProcess;
    private volatile bool _hasSpoken;

    /// <param name="context">This node.</param>
    /// <param name="backplane">Where the nodes hear each other.</param>
    /// <param name="proof">The layer's own proof of life; <see langword="null"/>: nodes have to beat.</param>
    public NodeDirectory(NodeContext context, IBackplane backplane, IProofOfLife? proof)
    {
        (_context, _backplane, _proof, _table) = (context, backplane, proof, new NodeTable(context));
        _ask.Want();
    }

    /// <summary>Raised when <see cref="Beat"/> should be called at once; a handler must not block.</summary>
    public event Action? HasSomethingToSay;

    public IReadOnlyList<NodeStatus> All => _table.List.Nodes;

    /// <summary>Whether there can be other nodes.</summary>
    public bool IsShared => _backplane.Features.HasFlag(BackplaneFeatures.ScaleOut);

    private TimeSpan Interval => _context.Options.NodeLease / BeatsPerLease;

    public async IAsyncEnumerable<NodeChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IReadOnlyList<NodeStatus> known = [];
        while (true)
        {
            var list = _table.List;
            foreach (var change in list.ChangesSince(known))
                yield return change;
            known = list.Nodes;
            await list.Replaced.WaitAsync(cancellationToken);
        }
    }

    public async Task<IReadOnlyList<NodeStatus>> AskAsync(TimeSpan wait, CancellationToken cancellationToken = default)
    {
        if (!IsShared)
            return All;
        await OpenAsync(cancellationToken);
        await _backplane.PublishAsync(NodeWords.Topic, NodeWords.Ask, retention: null, cancellationToken);
        await Task.Delay(wait, _context.TimeProvider, cancellationToken);
        return All;
    }

    /// <summary>Begins to hear the others, if it has not yet.</summary>
    public Task OpenAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_subscribing is null or { IsFaulted: true })
                _subscribing = SubscribeAsync();
            return _subscribing.WaitAsync(cancellationToken);
        }
    }

    /// <summary>From now on this node is one of the nodes.</summary>
    public void Announce(NodeRoles roles, string address, string version)
    {
        _table.Become(new NodeStatus(_context.Id, Incarnation: 1, roles, address, version, _context.TimeProvider.GetUtcNow()));
        Say(_tell);
    }

    /// <summary>Tells the others that this node leaves, and hears no more. <see cref="Beat"/> is not called any more.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        var self = _table.Self;
        _table.Become(null);
        if (_subscribing is not { IsCompletedSuccessfully: true })
            return;
        _backplane.StateChanged -= OnStateChanged;
        if (_proof is not null)
            _proof.Changed -= Wake;
        if (self is not null && _backplane.State == BackplaneState.Connected)
            await Task.WhenAny(PublishAsync(NodeWords.Leave(new(self.Id, self.Incarnation))), Task.Delay(Goodbye, _context.TimeProvider, cancellationToken));
        await (await _subscribing).DisposeAsync().AsTask().WaitAsync(cancellationToken);
    }

    /// <summary>Says what there is to say, and judges by the layer's proof of life. One call at a time; it waits for nothing.</summary>
    /// <returns>When to call it again; <see cref="Timeout.InfiniteTimeSpan"/>: when there is something to say.</returns>
    public TimeSpan Beat()
    {
        // A layer may connect only when it is first spoken to.
        if (_hasSpoken && _backplane.State != BackplaneState.Connected)
            return Interval;
        var process = _proof?.Process;
        if (Interlocked.Exchange(ref _toldProcess, process) != process)
            _tell.Want();
        if (_table.Self is { } self && (_proof is null || _tell.IsOpen))
            _ = PublishAsync(NodeWords.Beat(new(self, _context.Options.NodeLease, process)), _tell.Begin());
        if (_ask.IsOpen)
            _ = PublishAsync(NodeWords.Ask, _ask.Begin());
        while (_heardAgain.TryDequeue(out var dead))
            _ = PublishAsync(NodeWords.Dead(dead));
        if (_proof is null)
            return Interval;
        var isSure = _table.JudgeBy(_proof, patience: Interval);
        return isSure && !_ask.IsOpen && !(_tell.IsOpen && _table.Self is not null) ? Timeout.InfiniteTimeSpan : Interval;
    }

    private async Task<ITopicSubscription> SubscribeAsync()
    {
        var subscription = await _backplane.SubscribeAsync(NodeWords.Topic, OnMessage, _ => Say(_ask));
        _backplane.StateChanged += OnStateChanged;
        if (_proof is not null)
            _proof.Changed += Wake;
        return subscription;
    }

    // The bound on what waits is the layer's. What failed is said again with the next beat.
    private async Task PublishAsync(byte[] word, Action? onSaid = null)
    {
        try
        {
            await _backplane.PublishAsync(NodeWords.Topic, word, retention: null).ConfigureAwait(false);
            _hasSpoken = true;
            onSaid?.Invoke();
        }
        catch (Exception exception)
        {
            Log.NodeNotTold(_context.Logger, exception);
        }
    }

    private void OnStateChanged(BackplaneState state) => _table.BreakPulse();

    private void OnMessage(BackplaneMessage received)
    {
        try
        {
            var message = EnvelopeFormat.Decode(received.Payload).Message;
            switch (message.Type)
            {
                case NodeWords.BeatType:
                    OnBeat(NodeWords.Read<NodeBeat>(message));
                    break;
                case NodeWords.AskType:
                    Say(_tell);
                    break;
                case NodeWords.LeaveType:
                    _table.Leave(NodeWords.Read<NodeNotice>(message));
                    break;
                case NodeWords.DeadType when _table.ComeBack(NodeWords.Read<NodeNotice>(message)):
                    Say(_tell);
                    break;
                default:
                    break; // for another node, or of a later version
            }
        }
        catch (FormatException exception)
        {
            Log.NodeUnreadable(_context.Logger, exception);
            LayerTelemetry.MessagesDropped("unreadable");
        }
    }

    private void OnBeat(NodeBeat beat)
    {
        if (beat.Node.Id == _context.Id)
        {
            _table.HearSelf(judges: _proof is null);
            return;
        }
        if (!_table.Hear(beat))
            _heardAgain.Enqueue(new(beat.Node.Id, beat.Node.Incarnation));
        else if (_proof is null)
            return;
        Wake(); // to say so, or to look for its process
    }

    private void Say(NodeErrand errand)
    {
        errand.Want();
        Wake();
    }

    private void Wake() => HasSomethingToSay?.Invoke();
}
