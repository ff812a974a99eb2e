using Runnel.Consumers;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Streams;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What waits for the consumers of one socket is bounded for the socket, however many streams it has.</summary>
public sealed class WaitingEventsTests : IDisposable
{
    private const int Cost = 128 + 1; // of an event whose body is one byte

    private readonly RecordedLog _log = new();
    private readonly TaskCompletionSource _gate = new();

    [Fact]
    public async Task The_streams_of_a_socket_share_the_bound_on_waiting_events()
    {
        await using var node = CreateNode(maxWaiting: 3 * Cost);
        using var socket = await FakeConnection.ConnectAsync(node);
        for (var i = 0; i < 3; i++)
            await JoinAsync(node, socket, $"s{i}", _gate.Task);

        await node.Groups.SendEventAsync("news", "tick", 1); // one for each stream
        Assert.Empty(_log.Of(1005));
        await node.Groups.SendEventAsync("news", "tick", 2);

        await Wait.Until(() => !socket.Closes.IsEmpty, "the client is sent away");
        Assert.All(socket.Closes, static code => Assert.Equal(CloseCode.TryAgainLater, code));
        _gate.SetResult();
    }

    [Fact]
    public async Task Two_sockets_share_nothing()
    {
        await using var node = CreateNode(maxWaiting: Cost);
        using var one = await FakeConnection.ConnectAsync(node);
        using var other = await FakeConnection.ConnectAsync(node);
        await JoinAsync(node, one, "s", _gate.Task);
        await JoinAsync(node, other, "s", _gate.Task);

        await node.Groups.SendEventAsync("news", "tick", 1);

        Assert.Empty(_log.Of(1005));
        _gate.SetResult();
    }

    [Fact]
    public async Task What_the_streams_of_a_socket_have_handled_waits_no_more()
    {
        await using var node = CreateNode(maxWaiting: 2 * Cost);
        using var socket = await FakeConnection.ConnectAsync(node);
        var handled = 0;
        for (var i = 0; i < 2; i++)
            await JoinAsync(node, socket, $"s{i}", Task.CompletedTask, () => Interlocked.Increment(ref handled));

        for (var sent = 1; sent <= 10; sent++)
        {
            await node.Groups.SendEventAsync("news", "tick", 1);
            await Wait.Until(() => Volatile.Read(ref handled) == 2 * sent, "both have handled it");
        }

        Assert.Empty(_log.Of(1005));
    }

    [Fact]
    public async Task What_was_held_while_a_stream_connected_makes_room_for_the_others_when_it_has_connected()
    {
        await using var node = CreateNode(maxWaiting: 2 * Cost);
        using var socket = await FakeConnection.ConnectAsync(node);
        var first = await JoinAsync(node, socket, "first", _gate.Task);
        await node.Groups.SendJsonAsync("news", 1);
        await node.Groups.SendJsonAsync("news", 2);

        _gate.SetResult();
        await first;
        var again = new TaskCompletionSource();
        await JoinAsync(node, socket, "second", again.Task);
        await node.Groups.SendJsonAsync("news", 3);
        await node.Groups.SendJsonAsync("news", 4);

        Assert.Empty(_log.Of(1005));
        again.SetResult();
    }

    public void Dispose() => _log.Dispose();

    private FakeNode CreateNode(int maxWaiting) => FakeConnection.CreateNode(new InMemoryBackplane(TimeProvider.System), logs: _log, configure: options => options.MaxWaitingEventBytes = maxWaiting);

    // The consumer is busy connecting until it is told that it may end.
    private static async Task<Task> JoinAsync(FakeNode node, FakeConnection socket, string name, Task connects, Action? onTick = null)
    {
        var consumer = new Ticking(connects, onTick);
        var descriptor = new ConsumerDescriptor("Ticking", usesServices: false, _ => consumer, [EventHandlerMethod.Of<Ticking>("tick", typeof(Ticking).GetMethod(nameof(Ticking.OnTickAsync))!)]);
        var stream = new StreamConnection(socket.Session.Context, name, descriptor);
        var connecting = stream.ConnectAsync();
        await node.Groups.AddAsync("news", stream.ChannelName);
        return connecting;
    }

    public sealed class Ticking(Task connects, Action? onTick) : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await connects;
        }

        [Handles("tick")]
        public Task OnTickAsync(int number)
        {
            onTick?.Invoke();
            return Task.CompletedTask;
        }
    }
}
