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

    protected override async ValueTask<WiredQueue> OpenAsync(TimeSpan patience)
    {
        await MakeQueuesAsync();
        _queue = new RabbitMQWorkQueue(_place.Open(options => (options.Host, options.OutageTimeout, options.Heartbeat) = (_place.Host.AddressAt(_wire.Port), patience, TimeSpan.FromMinutes(10))));
        return new WiredQueue(_queue, () => _wire.Silence());
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
