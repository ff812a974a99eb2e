using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>A network that swallows everything, and ends no connection.</summary>
public sealed class RabbitMQSilenceTests(SharedRabbitServer server)
{
    private const int LeaveFailed = 4225;
    private static readonly ChannelName Channel = "work";

    // Only once all is set up, for which a busy machine may need longer.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(0.5);

    // Long enough that a busy machine does not look silent before the network is.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task Node_worker_and_broker_notice_the_silence_and_go_on_without_each_other()
    {
        await using var place = await RabbitPlace.CreateAsync(server);
        await using var wire = TcpWire.To((await server.Server).Port);
        await using var node = await place.OpenBackplaneAsync(options => (options.Host, options.Heartbeat) = (place.Host.AddressAt(wire.Port), Heartbeat));
        await using var cutOff = new RabbitMQWorkQueue(place.Open(options => (options.Host, options.Heartbeat) = (place.Host.AddressAt(wire.Port), Heartbeat)));
        await using var queue = new RabbitMQWorkQueue(place.Open());
        await using var listener = await TopicListener.OnAsync(node, Topic.OfGroup("articles"));
        await using var worker = await cutOff.OpenReceiverAsync(new ReceiverOptions());
        await queue.EnqueueAsync(Channel, [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        var held = Assert.Single(await Wait.For(worker.ReceiveAsync(Channel, 1).AsTask(), "the message"));

        wire.Silence();
        await Wait.Until(() => worker.Lost.IsCancellationRequested && node.State == BackplaneState.Interrupted, "the silence is noticed here");
        await using var other = await queue.OpenReceiverAsync(new ReceiverOptions());
        var taken = Assert.Single(await Wait.For(other.ReceiveAsync(Channel, 1).AsTask(), "the silence to be noticed by the broker"));
        Assert.False(await worker.CompleteAsync(held));
        wire.Heal();

        await Wait.Until(() => node.State == BackplaneState.Connected && listener.Gaps.Count > 0, "the node is back and tells the gap");
        Assert.Equal((held.Id, 1), (taken.Id, taken.Envelope.Crashes));
        Assert.True(await other.CompleteAsync(taken));
    }

    [Fact]
    public async Task A_queue_whose_broker_was_away_when_it_was_first_used_works_when_that_is_back()
    {
        await using var place = await RabbitPlace.CreateAsync(server);
        await using var wire = TcpWire.To((await server.Server).Port);
        await using var queue = new RabbitMQWorkQueue(place.Open(options => options.Host = place.Host.AddressAt(wire.Port)));

        wire.Cut();
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(queue.ListChannelsAsync().AsTask(), "the failure"));
        wire.Heal();

        Assert.Empty(await Wait.For(queue.ListChannelsAsync().AsTask(), "the answer"));
    }

    [Fact]
    public async Task A_worker_leaves_a_broker_that_says_nothing_and_says_that_what_it_held_comes_again_as_if_it_had_died()
    {
        using var log = new RecordedLog();
        await using var place = await RabbitPlace.CreateAsync(server);
        await using var wire = TcpWire.To((await server.Server).Port);
        RabbitMQOptions used = null!;
        await using var queue = new RabbitMQWorkQueue(place.Open(
            options =>
            {
                (options.Host, options.Timeout, options.Heartbeat) = (place.Host.AddressAt(wire.Port), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));
                used = options;
            },
            log));
        var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
        await queue.EnqueueAsync(Channel, [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        var held = Assert.Single(await Wait.For(worker.ReceiveAsync(Channel, 1).AsTask(), "the message"));

        wire.Silence();
        used.OutageTimeout = Short;
        await Wait.For(worker.DisposeAsync().AsTask(), "it to leave");
        wire.Cut();

        Assert.Contains("could not hand back what it held", Assert.Single(log.Of(LeaveFailed)).Text, StringComparison.Ordinal);
        await using var other = new RabbitMQWorkQueue(place.Open());
        await using var next = await other.OpenReceiverAsync(new ReceiverOptions());
        var again = Assert.Single(await Wait.For(next.ReceiveAsync(Channel, 1).AsTask(), "the message"));
        Assert.Equal((held.Id, 1), (again.Id, again.Envelope.Crashes));
    }

    [Fact]
    public async Task An_application_ends_beside_a_broker_that_says_nothing_however_long_that_may_take_to_answer()
    {
        await using var place = await RabbitPlace.CreateAsync(server);
        await using var wire = TcpWire.To((await server.Server).Port);
        RabbitMQOptions used = null!;
        var broker = place.Open(options =>
        {
            (options.Host, options.Timeout, options.Heartbeat) = (place.Host.AddressAt(wire.Port), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));
            used = options;
        });
        var (node, queue) = (new RabbitMQBackplane(broker), new RabbitMQWorkQueue(broker));
        await using var listener = await TopicListener.OnAsync(node, Topic.OfGroup("articles"));
        await node.PublishAsync(Topic.OfGroup("articles"), "1"u8.ToArray(), retention: null);
        await queue.EnqueueAsync(Channel, [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        Assert.Empty(await queue.ListDeadLettersAsync(Channel, DeadLetterFilter.All, limit: 1));
        var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
        Assert.Single(await Wait.For(worker.ReceiveAsync(Channel, 1).AsTask(), "the message"));

        wire.Silence();
        used.OutageTimeout = Short;

        await Wait.For(worker.DisposeAsync().AsTask(), "the end of the worker");
        await Wait.For(queue.DisposeAsync().AsTask(), "the end of the queue");
        await Wait.For(node.DisposeAsync().AsTask(), "the end of the node");
        await Wait.For(broker.DisposeAsync().AsTask(), "the end of the connection");
    }
}
