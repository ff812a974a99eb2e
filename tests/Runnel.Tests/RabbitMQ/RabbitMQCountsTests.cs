using RabbitMQ.Client;
using Runnel.ChannelLayers;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Channels;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What is counted of messages that did not arrive.</summary>
[Collection(nameof(Metered))]
public sealed class RabbitMQCountsTests(SharedRabbitServer server) : IAsyncLifetime
{
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly Counts _counts = new();
    private RabbitPlace _place = null!;

    public async ValueTask InitializeAsync() => _place = await RabbitPlace.CreateAsync(server);

    public async ValueTask DisposeAsync()
    {
        _counts.Dispose();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task What_the_full_queue_of_a_node_refuses_is_counted_by_its_sender()
    {
        const int Count = 20;
        await using var publisher = await _place.OpenBackplaneAsync();
        await using var slow = await _place.OpenBackplaneAsync(options => (options.LocalCapacity, options.RemoteCapacity) = (1, 1));
        using var go = new ManualResetEventSlim();
        var taken = 0;
        await using var stands = await slow.SubscribeAsync(Articles, _ =>
        {
            Interlocked.Increment(ref taken);
            go.Wait();
        });

        for (var i = 0; i < Count; i++)
            await publisher.PublishAsync(Articles, "x"u8.ToArray(), retention: null);
        go.Set();

        await Wait.Until(() => Volatile.Read(ref taken) + Dropped("node-full") == Count, "each has come or is counted");
        Assert.InRange(taken, 1, Count - 1);
    }

    [Fact]
    public async Task What_cannot_be_read_is_counted_message_by_message()
    {
        await using var node = await _place.OpenBackplaneAsync();
        await using var listener = await TopicListener.OnAsync(node, Articles);
        await using var channel = await (await _place.Open().GetConnectionAsync()).CreateChannelAsync();

        for (var i = 0; i < 3; i++)
            await channel.BasicPublishAsync("runnel.groups", Articles.Value, mandatory: false, new BasicProperties(), "nonsense"u8.ToArray());

        await Wait.Until(() => Dropped("unreadable") == 3, "all are counted");
    }

    [Fact]
    public async Task What_finds_no_room_in_its_process_is_counted()
    {
        var broker = _place.Open(options => (options.Wire, options.LocalCapacity, options.RemoteCapacity) = (RabbitMQWire.Django, 2, 10_000));
        await using var backplane = new RabbitMQBackplane(broker);
        await broker.OpenAsync();
        await using var channels = new DjangoChannels(broker, backplane);
        await using var layer = new DirectChannelLayer(backplane, channels, new ChannelLayerOptions(), TimeProvider.System);
        var channel = await layer.NewChannelAsync();

        for (var i = 0; i < 5; i++)
            await layer.SendAsync(channel, new Message("test.message", "{}"u8.ToArray()));

        await Wait.Until(() => Dropped("channel-full") == 3, "three of five have no room");
    }

    private long Dropped(string reason) => _counts[RunnelTelemetry.MessagesDropped, reason];
}
