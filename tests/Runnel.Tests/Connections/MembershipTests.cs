using System.Collections.Concurrent;
using Runnel.Consumers;
using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>The consumer's half of a connection reaches the socket's half only through its membership, so the socket may be anywhere.</summary>
public sealed class MembershipTests
{
    private readonly FakeNode _node = FakeConnection.CreateNode(new InMemoryBackplane(TimeProvider.System));
    private readonly ConcurrentQueue<string> _told = new();

    [Fact]
    public async Task A_session_stands_on_any_membership()
    {
        IEventSink? sink = null;
        var connection = new FakeConnection(_node, ConsumerDescriptor.For<Joining>(), membership: events =>
        {
            sink = events;
            return new Recording(_told, "socket");
        });

        await connection.Session.ConnectAsync();
        sink!.Post(new GroupMessage(new Envelope(new Message("leave", default))));
        await Wait.Until(() => _told.Contains("socket leaves news"), "the event is handled");
        await connection.Session.DisconnectAsync(CloseCode.Normal);

        Assert.Equal(["socket begins", "socket joins news", "socket is released", "socket leaves news", "socket ends"], _told);
        Assert.Equal(0, _node.Groups.Count);
    }

    [Fact]
    public async Task The_streams_of_a_shared_socket_stand_on_the_memberships_that_the_sockets_makes()
    {
        var connection = new FakeConnection(_node, new DemultiplexerBuilder().Stream<Joining>("s").Describe(), membership: _ => new Recording(_told, "socket"));

        await connection.Session.ConnectAsync();
        await connection.Session.DisconnectAsync(CloseCode.Normal);

        Assert.Equal(["socket begins", "s begins", "s joins news", "s is released", "socket is released", "socket ends", "s ends"], _told);
        Assert.Equal(0, _node.Groups.Count);
    }

    [Fact]
    public async Task A_connection_counts_until_nothing_that_is_sent_to_it_arrives_any_more()
    {
        var counted = 0;
        var connection = new FakeConnection(_node, membership: _ => new Recording(_told, "socket", onEnd: () => counted = _node.ConnectionCount));

        await connection.Session.ConnectAsync();
        await connection.Session.DisconnectAsync(CloseCode.Normal);

        Assert.Equal((1, 0), (counted, _node.ConnectionCount));
    }

    public sealed class Joining : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("news", cancellationToken);
        }

        [Handles("leave")]
        public ValueTask OnLeaveAsync(CancellationToken cancellationToken) => Groups.RemoveAsync("news", cancellationToken);
    }

    private sealed class Recording(ConcurrentQueue<string> told, string name, Action? onEnd = null) : IMembership
    {
        public ChannelName ChannelName => default;

        public byte[]? Kept => null;

        public bool IsOver => false;

        public void Begin() => told.Enqueue($"{name} begins");

        public void Release() => told.Enqueue($"{name} is released");

        public ValueTask<JoinOutcome> AddAsync(GroupName group, CancellationToken cancellationToken)
        {
            told.Enqueue($"{name} joins {group}");
            return ValueTask.FromResult(JoinOutcome.New);
        }

        public ValueTask RemoveAsync(GroupName group, CancellationToken cancellationToken)
        {
            told.Enqueue($"{name} leaves {group}");
            return ValueTask.CompletedTask;
        }

        public void HandledMessage()
        {
        }

        public void Keep(byte[] json, bool isHandling)
        {
        }

        public void Handled(GroupMessage message) => told.Enqueue($"{name} has handled {message.Envelope.Message.Type}");

        public IMembership OfStream(long number, string name, IEventSink events) => new Recording(told, name);

        public void End()
        {
            told.Enqueue($"{name} ends");
            onEnd?.Invoke();
        }
    }
}
