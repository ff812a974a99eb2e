using Microsoft.Extensions.Logging.Abstractions;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Nodes;
using Runnel.Specification;
using Runnel.Tests.Toy;

namespace Runnel.Tests.Nodes;

/// <summary>Nodes that reach each other in memory, whose hearts beat when the test moves the clock.</summary>
internal sealed class ToyNodes
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryBackplane _shared;
    private readonly List<ToyNode> _nodes = [];

    public ToyNodes() => _shared = new InMemoryBackplane(_clock);

    public async Task<ToyNode> StartAsync(IProofOfLife? proof = null)
    {
        var node = new ToyNode(new ToyBackplane(_shared), _clock, proof);
        _nodes.Add(node);
        await node.Directory.OpenAsync(CancellationToken.None);
        node.Directory.Announce(NodeRoles.Gateway, "here", "1.0");
        Talk();
        _clock.Advance(TimeSpan.FromTicks(1)); // no two of them start in the same moment
        return node;
    }

    /// <summary>Time passes, in which each node that does not stand still beats once a second.</summary>
    public void Pass(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            _clock.Advance(Second);
            foreach (var node in _nodes)
                node.Beat();
            Talk();
        }
    }

    /// <summary>Time passes in which nobody does anything.</summary>
    public void StandStill(int seconds) => _clock.Advance(seconds * Second);

    /// <summary>Those say something that have something to say, until nobody has.</summary>
    public void Talk()
    {
        while (_nodes.Find(static one => one.TakeWoken()) is { } node)
            node.Beat();
    }

    public async Task LeaveAsync(ToyNode node)
    {
        _nodes.Remove(node);
        await node.Directory.LeaveAsync(CancellationToken.None);
    }

    /// <summary>Counts what is said from now on.</summary>
    public async Task<Func<int>> CountAsync()
    {
        var count = 0;
        await _shared.SubscribeAsync(NodeWords.Topic, _ => count++);
        return () => count;
    }
}

/// <summary>One of <see cref="ToyNodes"/>.</summary>
internal sealed class ToyNode
{
    private bool _isWoken;

    public ToyNode(ToyBackplane wire, TimeProvider clock, IProofOfLife? proof)
    {
        Wire = wire;
        Context = new NodeContext(new RunnelOptions(), clock, NullLogger.Instance);
        Directory = new NodeDirectory(Context, wire, proof);
        Directory.HasSomethingToSay += () => _isWoken = true;
    }

    public ToyBackplane Wire { get; }

    public NodeContext Context { get; }

    public NodeDirectory Directory { get; }

    /// <summary>Whether the process stands still, or has been killed: it says nothing.</summary>
    public bool IsStill { get; set; }

    public string Id => Context.Id;

    /// <summary>The names of the nodes that it sees, and their incarnations.</summary>
    public IEnumerable<(string Id, int Incarnation)> Seen => Directory.All.Select(node => (node.Id, node.Incarnation));

    public void Beat()
    {
        if (!IsStill)
            Directory.Beat();
    }

    public bool TakeWoken()
    {
        var wasWoken = _isWoken && !IsStill;
        _isWoken &= IsStill;
        return wasWoken;
    }
}
