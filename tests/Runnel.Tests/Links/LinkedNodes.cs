using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Specification;
using Runnel.Tests.Recording;

namespace Runnel.Tests.Links;

/// <summary>Nodes with links, on wires that a test disturbs and a clock that it moves. Who lives is what the test says.</summary>
internal sealed class LinkedNodes : IAsyncDisposable
{
    private readonly InMemoryBackplane _shared;
    private readonly List<LinkedNode> _nodes = [];

    public LinkedNodes() => _shared = new(Clock);

    public ManualTimeProvider Clock { get; } = new();

    public RecordedLog Log { get; } = new();

    /// <summary>Starts a node that knows the others, and they it.</summary>
    public async Task<LinkedNode> StartAsync()
    {
        var node = new LinkedNode(new LinkWire(_shared), Clock, Log);
        await node.OpenAsync();
        foreach (var other in _nodes)
        {
            Join(other, node);
            Join(node, other);
        }
        _nodes.Add(node);
        await Wait.Until(() => _nodes.TrueForAll(static one => one.Nodes.IsHeard), "they know each other"); // or a link with a node that is not known yet ends after a minute
        return node;
    }

    public static void Join(LinkedNode observer, LinkedNode seen) => observer.Nodes.Tell(NodeChangeKind.Joined, seen.Status);

    public static void Leave(LinkedNode observer, LinkedNode seen) => observer.Nodes.Tell(NodeChangeKind.Left, seen.Status);

    /// <summary>Waits until something is so, while time passes quickly.</summary>
    /// <param name="condition">What is waited for.</param>
    /// <param name="what">How it is called.</param>
    /// <param name="step">How far the clock moves at each look; a tenth of a second by default.</param>
    public Task Until(Func<bool> condition, string what, TimeSpan? step = null) => Wait.Until(
        () =>
        {
            Clock.Advance(step ?? TimeSpan.FromMilliseconds(100));
            return condition();
        },
        what);

    /// <summary>Waits until two nodes have all that they sent each other, while time passes quickly.</summary>
    public async Task FlushAsync(LinkedNode one, LinkedNode two)
    {
        var flushed = Task.WhenAll(one.FlushAsync(two), two.FlushAsync(one));
        await Until(() => flushed.IsCompleted, "all has arrived");
        await flushed;
    }

    /// <summary>A node says something, the other one confirms it, and then neither of them has anything to say. A flush does not promise that: a question may be on its way for which the answer is there already.</summary>
    public async Task SettleAsync(LinkedNode one, LinkedNode other, string text)
    {
        var (said, confirmed) = (one.Wire.Published, other.Wire.Published);
        one.Send(other, text);
        await Wait.Until(() => one.Wire.Published > said && one.Wire.IsDone, "it has arrived");
        Clock.Advance(TimeSpan.FromTicks(LinkLimits.ConfirmAfter));
        await Wait.Until(() => other.Wire.Published > confirmed && other.Wire.IsDone, "it is confirmed");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.Links.DisposeAsync();
    }
}

/// <summary>One of <see cref="LinkedNodes"/>.</summary>
internal sealed class LinkedNode : ILinkReceiver
{
    private readonly ConcurrentQueue<string> _heard = new();
    private int _ends;

    public LinkedNode(LinkWire wire, TimeProvider clock, RecordedLog log)
    {
        Wire = wire;
        using var loggers = LoggerFactory.Create(builder => builder.AddProvider(log));
        var context = new NodeContext(new RunnelOptions(), clock, loggers.CreateLogger("links"));
        Status = new NodeStatus(context.Id, 1, NodeRoles.Gateway | NodeRoles.Worker, "here", "1.0", clock.GetUtcNow());
        Links = new NodeLinks(context, wire, Nodes);
        Links.Register(LinkKind.ToWorker, this);
        Workers = new WorkerTable(context);
        Links.Register(LinkKind.Greeting, Workers);
        Links.Ended += _ => Interlocked.Increment(ref _ends);
        Context = context;
    }

    public NodeContext Context { get; }

    public WorkerTable Workers { get; }

    public LinkWire Wire { get; }

    public ToldNodes Nodes { get; } = new();

    public NodeStatus Status { get; set; }

    public NodeLinks Links { get; }

    public string Id => Status.Id;

    /// <summary>What it heard, and <c>ended</c> where the link ended.</summary>
    public IReadOnlyList<string> Heard => [.. _heard];

    /// <summary>How many links have ended so that the next one may begin: what is sent when <c>ended</c> was only just heard may still be lost with the last one.</summary>
    public int Ends => Volatile.Read(ref _ends);

    /// <summary>Called for each item, while it is received.</summary>
    public Action<string>? OnHeard { get; set; }

    public async Task OpenAsync()
    {
        await Wire.SubscribeAsync(Topic.OfNode(Id), message =>
        {
            // What comes is valid only during the call.
            var bytes = message.Payload.ToArray();
            Links.TryTake(bytes);
            bytes.AsSpan().Fill(byte.MaxValue);
        });
        Links.Open();
    }

    public void Send(LinkedNode other, string text) => Links.Send(other.Id, new TextItem(text));

    /// <summary>What it does now makes it send a packet, and that gets lost.</summary>
    public async Task LoseAsync(Action act)
    {
        Wire.Decide = static () => Fate.GetsLost;
        act();
        await Wait.Until(() => Wire.Lost == 1, "the packet is lost");
        Wire.Decide = static () => Fate.Arrives;
    }

    public Task FlushAsync(LinkedNode other) => Links.FlushAsync(other.Id, CancellationToken.None);

    public void OnMessage(string nodeId, ReadOnlyMemory<byte> body)
    {
        var text = System.Text.Encoding.UTF8.GetString(body.Span);
        _heard.Enqueue(text);
        OnHeard?.Invoke(text);
    }

    public void OnEnded(string nodeId) => _heard.Enqueue("ended");
}

/// <summary>The nodes that a test says there are.</summary>
internal sealed class ToldNodes : INodes
{
    private readonly Lock _lock = new();
    private readonly List<NodeChange> _told = [];
    private readonly List<Watcher> _watchers = [];

    /// <summary>Whether all who watch have done what they do about all that was told.</summary>
    public bool IsHeard
    {
        get
        {
            lock (_lock)
                return _watchers.TrueForAll(watcher => watcher.Heard == _told.Count);
        }
    }

    public IReadOnlyList<NodeStatus> All
    {
        get
        {
            lock (_lock)
            {
                var all = new Dictionary<string, NodeStatus>();
                foreach (var change in _told)
                {
                    all.Remove(change.Node.Id);
                    if (change.Kind == NodeChangeKind.Joined)
                        all.Add(change.Node.Id, change.Node);
                }
                return [.. all.Values];
            }
        }
    }

    public void Tell(NodeChangeKind kind, NodeStatus node)
    {
        lock (_lock)
        {
            _told.Add(new(kind, node));
            _watchers.ForEach(watcher => watcher.Changes.Writer.TryWrite(new(kind, node)));
        }
    }

    public async IAsyncEnumerable<NodeChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var watcher = new Watcher();
        lock (_lock)
        {
            _told.ForEach(change => watcher.Changes.Writer.TryWrite(change));
            _watchers.Add(watcher);
        }
        try
        {
            await foreach (var change in watcher.Changes.Reader.ReadAllAsync(cancellationToken))
            {
                yield return change;
                lock (_lock)
                    watcher.Heard++;
            }
        }
        finally
        {
            lock (_lock)
                _watchers.Remove(watcher);
        }
    }

    public Task<IReadOnlyList<NodeStatus>> AskAsync(TimeSpan wait, CancellationToken cancellationToken = default) => Task.FromResult(All);

    private sealed class Watcher
    {
        public Channel<NodeChange> Changes { get; } = Channel.CreateUnbounded<NodeChange>();

        public int Heard { get; set; }
    }
}
