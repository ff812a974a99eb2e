using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>RabbitMQ keeps its connections and answers nothing, and for the time of a test no connection counts as dead for that.</summary>
public sealed class RabbitMQStandstillTests(SharedRabbitServer server) : WorkQueueOutageSpecification, IAsyncLifetime
{
    private RabbitPlace _place = null!;
    private TcpWire _wire = null!;
    private RabbitMQWorkQueue? _queue;

    public async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        _wire = TcpWire.To((await server.Server).Port);
    }

    [Fact]
    public async Task Nor_is_a_sender_who_does_not_wait_for_room_once_the_broker_is_asked_whether_there_is_some()
    {
        var limits = new EnqueueOptions { Capacity = 1 };
        var process = await OpenAsync(patience: TimeSpan.FromSeconds(1));
        await SendAsync(limits);
        var first = SendAsync(limits with { WaitForRoom = TimeSpan.FromMinutes(10) });
        await Assert.ThrowsAsync<ChannelFullException>(() => Wait.For(SendAsync(limits), "the refusal")); // so the first one is in line
        process.Silence();

        await Wait.Until(
            async () => await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(limits)) is IOException || first.IsCompleted,
            "it is told that the broker is away");
        Assert.False(first.IsCompletedSuccessfully);
        await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        Task SendAsync(EnqueueOptions options) =>
            process.Queue.EnqueueAsync(Channel, [new Envelope(new Message("pay", default)) { Id = MessageId.New(TimeProvider.System) }], options).AsTask();
    }

    [Fact]
    public async Task What_could_not_be_read_of_the_channels_while_the_broker_said_nothing_is_read_later()
    {
        var process = await OpenAsync(patience: TimeSpan.FromSeconds(1));
        await using var worker = await process.Queue.OpenReceiverAsync(new ReceiverOptions()); // which reads nothing of the channels yet
        process.Silence();
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(SendAsync(), "the failure"));

        _wire.Heal();

        await Wait.Until(
            async () =>
            {
                var sending = SendAsync();
                await ((Task)sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
                return sending.IsCompletedSuccessfully;
            },
            "a message is stored");

        Task<int> SendAsync() =>
            process.Queue.EnqueueAsync("another", [new Envelope(new Message("pay", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default).AsTask();
    }

    protected override async ValueTask<WiredQueue> OpenAsync(TimeSpan patience)
    {
        await MakeQueuesAsync();
        RabbitMQOptions used = null!;
        _queue = new RabbitMQWorkQueue(_place.Open(options =>
        {
            (options.Host, options.Heartbeat) = (_place.Host.AddressAt(_wire.Port), TimeSpan.FromMinutes(10));
            used = options;
        }));
        return new WiredQueue(_queue, () =>
        {
            used.OutageTimeout = patience; // not before, since a busy machine may need longer for what comes first
            _wire.Silence();
        });
    }

    // Which takes a broker longer than the patience of some.
    private async Task MakeQueuesAsync()
    {
        await using var other = new RabbitMQWorkQueue(_place.Open());
        await using var worker = await other.OpenReceiverAsync(new ReceiverOptions());
        await other.EnqueueAsync(Channel, [new Envelope(new Message("pay", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        Assert.True(await worker.CompleteAsync(Assert.Single(await Wait.For(worker.ReceiveAsync(Channel, 1).AsTask(), "the message"))));
    }

    public async ValueTask DisposeAsync()
    {
        _wire.Heal();
        if (_queue is not null)
            await _queue.DisposeAsync();
        await _place.DisposeAsync();
        await _wire.DisposeAsync();
    }
}
