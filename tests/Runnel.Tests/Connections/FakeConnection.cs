using System.Collections.Concurrent;
using Runnel.Consumers;
using Runnel.Groups;
using Runnel.Layers;
using Runnel.Tests.Recording;

namespace Runnel.Tests.Connections;

/// <summary>A connection that nothing carries: what goes to its client stays in <see cref="Writer"/>.</summary>
internal sealed class FakeConnection : SocketConnection, IDisposable
{
    private readonly CancellationTokenSource _gone = new();

    public FakeConnection(FakeNode node, ConsumerDescriptor? descriptor = null, OutboundOptions? options = null, Func<IEventSink, IMembership>? membership = null, ClientHello? hello = null)
        : base(node.Context)
    {
        Outbound = new OutboundQueue(options ?? new OutboundOptions(), Writer);
        Session = new ConsumerSession(
            node.Sessions, this, descriptor ?? ConsumerDescriptor.For(new ConsumerBuilder()), membership ?? (events => node.Sessions.MembershipOf(this, hello, events)));
    }

    public FakeWriter Writer { get; } = new();

    public ConsumerSession Session { get; }

    public ConnectionGroups Groups => Session.Context.Groups;

    public ConcurrentQueue<int> Closes { get; } = new();

    public override ConsumerScope Scope { get; } = new NoScope();

    public override CancellationToken Gone => _gone.Token;

    public override OutboundQueue Outbound { get; }

    /// <summary>A node of its own, with a log.</summary>
    public static FakeNode CreateNode(IBackplane backplane, TimeProvider? clock = null, RecordedLog? logs = null, Action<RunnelOptions>? configure = null) =>
        new(backplane, clock, logs, configure);

    public static async Task<FakeConnection> ConnectAsync(FakeNode node, ConsumerDescriptor? descriptor = null, OutboundOptions? options = null)
    {
        var connection = new FakeConnection(node, descriptor, options);
        await connection.Session.ConnectAsync();
        return connection;
    }

    public override Task AcceptAsync(AcceptOptions options, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override Task RejectAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override ValueTask SendAsync(string text, CancellationToken cancellationToken = default) => Outbound.SendAsync(Frame.Text(text), cancellationToken);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        Outbound.SendAsync(Frame.Binary(data.Span), cancellationToken);

    public override ValueTask SendUtf8JsonAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default) =>
        Outbound.SendAsync(Frame.Text(json.Span), cancellationToken);

    public override void Abort() => _gone.Cancel();

    public void Dispose() => _gone.Dispose();

    protected override Task CloseOnceAsync(int code, string? reason, CancellationToken cancellationToken)
    {
        Closes.Enqueue(code);
        return Task.CompletedTask;
    }
}
