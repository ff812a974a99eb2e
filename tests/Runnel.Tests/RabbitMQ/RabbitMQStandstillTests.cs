using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>RabbitMQ keeps its connections and answers nothing, and for the time of a test no connection counts as dead for that.</summary>
public sealed class RabbitMQStandstillTests(SharedRabbitServer server) : WorkQueueOutageSpecification, IAsyncLifetime
{
    private static readonly TimeSpan Patient = TimeSpan.FromMinutes(10);

    private TimeSpan? _timeout;
    private RabbitMQOptions _used = null!;
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
        _timeout = Patient; // or the broker would count as dead soon, and then nobody is refused
        var process = await OpenAsync(Patient);
        await SendAsync(limits);
        var first = SendAsync(limits with { WaitForRoom = Patient });
        await Assert.ThrowsAsync<ChannelFullException>(() => Wait.For(SendAsync(limits), "the refusal")); // so the first one is in line
        process.Silence();

        await Wait.Until(IsToldThatTheBrokerIsAwayAsync, "it is told that the broker is away");
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(first, "the failure of the first"));

        // Who is refused is told at once. The broker's last answer may just have been on its way.
        async Task<bool> IsToldThatTheBrokerIsAwayAsync()
        {
            _used.OutageTimeout = Patient;
            var sending = SendAsync(limits);
            _used.OutageTimeout = sending.IsCompleted ? Patient : TimeSpan.FromSeconds(1);
            return await Assert.ThrowsAnyAsync<Exception>(() => Wait.For(sending, "an answer")) is IOException;
        }

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
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(SendAsync(), "the failure of one that came when the first reading was in vain, too"));

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
        _queue = new RabbitMQWorkQueue(_place.Open(options =>
        {
            (options.Host, options.Heartbeat, options.Timeout) = (_place.Host.AddressAt(_wire.Port), Patient, _timeout ?? options.Timeout);
            _used = options;
        }));
        return new WiredQueue(_queue, () =>
        {
            _used.OutageTimeout = patience; // not before, since a busy machine may need longer for what comes first
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
