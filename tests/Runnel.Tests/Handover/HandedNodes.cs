using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.Handover;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Links;
using Runnel.Tests.Recording;

namespace Runnel.Tests.Handover;

/// <summary>Gateways and workers in this process, put together as an application's are. Who lives is what the test says.</summary>
internal sealed class HandedNodes(Action<HandoverOptions>? configure = null) : IAsyncDisposable
{
    private readonly InMemoryBackplane _shared = new(TimeProvider.System);
    private readonly List<HandedNode> _nodes = [];

    public ManualTimeProvider Clock { get; } = new();

    public RecordedLog Log { get; } = new();

    /// <summary>A service of the workers.</summary>
    public Journal Journal { get; } = new();

    /// <summary>What consumers that count do.</summary>
    public Counting.Script Script { get; } = new();

    /// <summary>The application's consumers, by the names of their endpoints.</summary>
    public Dictionary<string, ConsumerDescriptor> Endpoints { get; } = [];

    /// <summary>Starts a gateway, and a worker.</summary>
    public async Task<(HandedNode Gateway, HandedNode Worker)> StartBothAsync() => (await StartGatewayAsync(), await StartWorkerAsync());

    public Task<HandedNode> StartGatewayAsync() => StartAsync(NodeRoles.Gateway);

    public async Task<HandedNode> StartWorkerAsync()
    {
        var worker = await StartAsync(NodeRoles.Worker);
        foreach (var gateway in _nodes.Where(static node => node.Status.Roles == NodeRoles.Gateway))
            await Wait.Until(() => gateway.Workers.Of(ConnectionOwners.ChannelPrefix + Endpoints.Keys.First()).Contains(worker.Id), "the gateway knows the worker");
        return worker;
    }

    /// <summary>The node's process is killed, and the others notice.</summary>
    public void Kill(HandedNode node)
    {
        node.Wire.IsDead = true;
        Bury(node);
    }

    /// <summary>The others take a node for dead.</summary>
    public void Bury(HandedNode node) => Tell(NodeChangeKind.Left, node);

    /// <summary>The others see a node.</summary>
    public void Tell(NodeChangeKind kind, HandedNode node)
    {
        foreach (var other in _nodes.Where(other => other != node))
            other.Nodes.Tell(kind, node.Status);
    }

    /// <summary>Time passes, a second at a time.</summary>
    public void Pass(int seconds)
    {
        for (; seconds > 0; seconds--)
            Clock.Advance(TimeSpan.FromSeconds(1));
    }

    public async ValueTask DisposeAsync()
    {
        Script.Gate.TrySetResult();
        foreach (var node in _nodes)
        {
            // Nobody waits for those that a test has killed.
            foreach (var other in _nodes.Where(other => other != node))
                node.Nodes.Tell(NodeChangeKind.Left, other.Status);
            var stopping = node.DisposeAsync().AsTask();
            // A dead node waits for a moment whether others have what it says last.
            await Wait.Until(
                () =>
                {
                    Pass(1);
                    return stopping.IsCompleted;
                },
                "the node to stop");
            await stopping;
        }
    }

    private async Task<HandedNode> StartAsync(NodeRoles role)
    {
        var node = new HandedNode(new MortalWire(_shared), role, Clock, Log, Journal, Endpoints, configure);
        await node.Host.StartAsync();
        foreach (var other in _nodes)
        {
            other.Nodes.Tell(NodeChangeKind.Joined, node.Status);
            node.Nodes.Tell(NodeChangeKind.Joined, other.Status);
        }
        _nodes.Add(node);
        await Wait.Until(() => _nodes.TrueForAll(static one => one.Nodes.IsHeard), "they know each other"); // or a link with a node that is not known yet ends after a minute
        return node;
    }
}

/// <summary>One of <see cref="HandedNodes"/>.</summary>
internal sealed class HandedNode : IAsyncDisposable
{
    public HandedNode(
        MortalWire wire,
        NodeRoles role,
        ManualTimeProvider clock,
        RecordedLog log,
        Journal journal,
        IReadOnlyDictionary<string, ConsumerDescriptor> endpoints,
        Action<HandoverOptions>? configure)
    {
        Wire = wire;
        Find = endpoints.GetValueOrDefault;
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Logging.SetMinimumLevel(LogLevel.Debug).AddProvider(log);
        builder.Services.AddSingleton<IBackplane>(wire);
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Services.AddSingleton<INodes>(Nodes);
        builder.Services.AddSingleton(journal);
        builder.Services.AddScoped<ScopedThing>();
        builder.Services.AddSingleton<IConsumerEndpoints>(new Mapped(this, role == NodeRoles.Worker ? endpoints : new Dictionary<string, ConsumerDescriptor>()));
        builder.Services.AddRunnelCore(options => options.KeepHistory("kept*", new Retention(100, TimeSpan.FromMinutes(2))));
        builder.Services.Configure<HandoverOptions>(options => options.HandsOut = role == NodeRoles.Gateway);
        if (configure is not null)
            builder.Services.Configure(configure);
        Host = builder.Build();
        Status = new NodeStatus(Context.Id, 1, role, "here", "1.0", clock.GetUtcNow());
        Descriptors = endpoints;
    }

    public IHost Host { get; }

    public MortalWire Wire { get; }

    public ToldNodes Nodes { get; } = new();

    public NodeStatus Status { get; }

    public IReadOnlyDictionary<string, ConsumerDescriptor> Descriptors { get; }

    /// <summary>Which consumer it has for an endpoint.</summary>
    public Func<string, ConsumerDescriptor?> Find { get; set; }

    public string Id => Status.Id;

    public NodeContext Context => Host.Services.GetRequiredService<NodeContext>();

    public IGroups Groups => Host.Services.GetRequiredService<IGroups>();

    public ConnectionOwners Owners => Host.Services.GetRequiredService<ConnectionOwners>();

    public ConnectionWorker Worker => Host.Services.GetRequiredService<ConnectionWorker>();

    public WorkerTable Workers => Host.Services.GetRequiredService<WorkerTable>();

    public NodeLinks Links => Host.Services.GetRequiredService<NodeLinks>();

    public SocketHere Open(string endpoint = "test", ClientHello? hello = null, OutboundOptions? outbound = null) => new(this, endpoint, hello, outbound ?? new());

    /// <summary>Waits until another node has all that this one has sent it.</summary>
    public Task FlushAsync(HandedNode other) => Wait.For(Links.FlushAsync(other.Id, CancellationToken.None), "the other node to have all");

    /// <summary>A client connects, and its consumer has accepted it.</summary>
    public async Task<SocketHere> ConnectAsync(string endpoint = "test", ClientHello? hello = null)
    {
        var socket = Open(endpoint, hello);
        await Wait.For(socket.Session.ConnectAsync(), "the consumer to connect");
        return socket;
    }

    /// <summary>As SIGTERM does.</summary>
    public Task StopAsync() => Wait.For(Host.StopAsync(), "the node to stop");

    public async ValueTask DisposeAsync()
    {
        using (Host)
            await Host.StopAsync();
    }

    private sealed class Mapped(HandedNode node, IReadOnlyDictionary<string, ConsumerDescriptor> taken) : IConsumerEndpoints
    {
        public IReadOnlyList<ChannelName> Taken => [.. taken.Keys.Select(name => new ChannelName(ConnectionOwners.ChannelPrefix + name))];

        public ConsumerDescriptor? Find(string endpoint) => node.Find(endpoint);
    }
}

/// <summary>A socket on a gateway, which nothing carries.</summary>
internal sealed class SocketHere : SocketConnection, IDisposable
{
    private readonly CancellationTokenSource _gone = new();
    private readonly NoScope _scope = new();
    private volatile bool _isRequestOver;

    public SocketHere(HandedNode gateway, string endpoint, ClientHello? hello, OutboundOptions outbound)
        : base(gateway.Context)
    {
        Outbound = new OutboundQueue(outbound, Writer);
        Session = gateway.Host.Services.GetRequiredService<ConsumerSessions>().NewSession(this, endpoint, gateway.Descriptors[endpoint], hello);
    }

    public FakeWriter Writer { get; } = new();

    public IConsumerSession Session { get; }

    public List<int> Closes { get; } = [];

    /// <summary>Whether the client sees when it is closed, behind what was sent before.</summary>
    public bool ShowsClose { get; set; }

    public bool IsAccepted { get; private set; }

    /// <summary>Whether it has only a limited time left.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>How often somebody has asked what is known of the client.</summary>
    public int ScopeReads { get; private set; }

    /// <summary>Part of the request, so nobody may ask when that is over.</summary>
    public override ConsumerScope Scope
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isRequestOver, this);
            ScopeReads++;
            return _scope;
        }
    }

    public override CancellationToken Gone => _gone.Token;

    public override OutboundQueue Outbound { get; }

    public Task SayAsync(string text) => Session.ReceiveTextAsync(System.Text.Encoding.UTF8.GetBytes(text)).AsTask();

    /// <summary>The client is gone.</summary>
    public async Task EndAsync(int code = CloseCode.Abnormal)
    {
        await _gone.CancelAsync();
        await Session.DisconnectAsync(code, IsAccepted);
        EndRequest();
    }

    /// <summary>The request is over: nobody may ask what it knows of the client.</summary>
    public void EndRequest() => _isRequestOver = true;

    public Task GotAsync(params string[] texts) => Wait.Until(() => texts.All(Writer.Texts.Contains), $"the client gets {string.Join(", ", texts)}");

    public Task ClosedAsync() => Wait.Until(() => Closes.Count > 0, "the connection is closed");

    public override Task AcceptAsync(AcceptOptions options, CancellationToken cancellationToken = default)
    {
        IsAccepted = true;
        return Task.CompletedTask;
    }

    public override Task RejectAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override ValueTask SendAsync(string text, CancellationToken cancellationToken = default) => Outbound.SendAsync(Frame.Text(text), cancellationToken);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => Outbound.SendAsync(Frame.Binary(data.Span), cancellationToken);

    public override ValueTask SendUtf8JsonAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default) => Outbound.SendAsync(Frame.Text(json.Span), cancellationToken);

    public override void Abort()
    {
        _ = Outbound.AbandonAsync();
        _gone.Cancel();
    }

    public void Dispose() => _gone.Dispose();

    protected internal override void OnClosing() => IsClosing = true;

    protected override Task CloseOnceAsync(int code, string? reason, CancellationToken cancellationToken)
    {
        lock (Closes)
            Closes.Add(code);
        return ShowsClose ? SendAsync("closed", cancellationToken).AsTask() : Task.CompletedTask;
    }
}
