using Runnel.Layers;

namespace Runnel.Nodes;

/// <summary>Who lives: this node, and the others that it has heard. Thread-safe.</summary>
internal sealed class NodeTable(NodeContext context)
{
    // Bounds what is remembered of nodes that are gone.
    private const int MostGone = 1000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, HeardNode> _others = [];
    private readonly OrderedDictionary<string, int> _gone = [];
    private readonly NodePulse _pulse = new(context.TimeProvider, context.Options.NodeLease);
    private volatile NodeList _list = new([]);
    private volatile NodeStatus? _self;

    public NodeList List => _list;

    /// <summary>This node; <see langword="null"/> before it has started, and when it has left.</summary>
    public NodeStatus? Self => _self;

    private TimeSpan Lease => context.Options.NodeLease;

    /// <summary>This node becomes one of the nodes, or leaves.</summary>
    public void Become(NodeStatus? self)
    {
        lock (_lock)
        {
            _self = self;
            Show();
        }
    }

    /// <summary>Others took this node for dead.</summary>
    /// <returns>Whether it comes back now; otherwise it has done so already, or another node is meant.</returns>
    public bool ComeBack(NodeNotice dead)
    {
        lock (_lock)
        {
            if (_self is not { } self || dead != new NodeNotice(self.Id, self.Incarnation))
                return false;
            _self = self with { Incarnation = self.Incarnation + 1 };
            Show();
        }
        Log.NodeWasDead(context.Logger, dead.Incarnation + 1);
        return true;
    }

    /// <summary>This node heard its own beat, so it has heard what the others said before.</summary>
    /// <param name="judges">Whether those that are silent are dead.</param>
    public void HearSelf(bool judges)
    {
        var now = context.TimeProvider.GetTimestamp();
        lock (_lock)
        {
            _pulse.Hear(now);
            if (judges)
                BuryTheSilent(now);
        }
    }

    /// <summary>This node cannot hear.</summary>
    public void BreakPulse()
    {
        lock (_lock)
            _pulse.Break();
    }

    /// <summary>Another node lives.</summary>
    /// <returns><see langword="false"/> if this incarnation of it is dead: it has to hear that.</returns>
    public bool Hear(NodeBeat beat)
    {
        lock (_lock)
        {
            var node = beat.Node;
            if (_gone.TryGetValue(node.Id, out var dead) && node.Incarnation <= dead)
                return false;
            var known = _others.GetValueOrDefault(node.Id);
            if (known?.Node.Incarnation > node.Incarnation)
                return true;
            _others[node.Id] = new(beat, context.TimeProvider.GetTimestamp(), known is { WasSeen: true } && known.Beat.Process == beat.Process);
            if (known?.Node != node)
                Show();
            return true;
        }
    }

    /// <summary>Another node leaves.</summary>
    public void Leave(NodeNotice notice)
    {
        lock (_lock)
        {
            if (_others.TryGetValue(notice.Id, out var known) && known.Node.Incarnation <= notice.Incarnation)
                Bury(known);
        }
    }

    /// <summary>Judges by the layer's own proof.</summary>
    /// <param name="proof">The proof.</param>
    /// <param name="patience">A process that has just come may be heard before the layer has seen it: for so long, it lives.</param>
    /// <returns>Whether the layer has seen the processes of all that are left.</returns>
    public bool JudgeBy(IProofOfLife proof, TimeSpan patience)
    {
        lock (_lock)
        {
            var unseen = 0;
            foreach (var heard in _others.Values.ToList())
            {
                if (heard.Beat.Process is not { } process || proof.Lives(process))
                {
                    _others[heard.Node.Id] = heard with { WasSeen = true };
                }
                else if (heard.WasSeen || context.TimeProvider.GetElapsedTime(heard.At) >= patience)
                {
                    Log.NodeDied(context.Logger, heard.Node.Id, heard.Node.Address);
                    Bury(heard);
                }
                else
                {
                    unseen++;
                }
            }
            return unseen == 0;
        }
    }

    private void BuryTheSilent(long now)
    {
        foreach (var heard in _others.Values.ToList())
        {
            // All nodes should have the same lease. If not, the longer one counts.
            var lease = heard.Beat.Lease > Lease ? heard.Beat.Lease : Lease;
            if (context.TimeProvider.GetElapsedTime(Math.Max(heard.At, _pulse.Since), now) < lease)
                continue;
            Log.NodeSilent(context.Logger, heard.Node.Id, heard.Node.Address, lease);
            Bury(heard);
        }
    }

    private void Bury(HeardNode heard)
    {
        _others.Remove(heard.Node.Id);
        _gone[heard.Node.Id] = heard.Node.Incarnation;
        if (_gone.Count > MostGone)
            _gone.RemoveAt(0);
        Show();
    }

    private void Show()
    {
        var before = _list;
        var others = _others.Values.Select(static heard => heard.Node);
        _list = NodeList.Of(_self is null ? others : others.Append(_self));
        before.Replace();
    }
}
