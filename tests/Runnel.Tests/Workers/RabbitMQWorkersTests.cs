using Runnel.InMemory;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Receiving;
using Runnel.Tests.RabbitMQ;
using Runnel.Tests.Servers;

namespace Runnel.Tests.Workers;

/// <summary>Workers on quorum queues, beside a layer that remembers. The test's clock tells the layer the time of day; the rest of the layer's time, and the broker's, is the machine's.</summary>
public sealed class RabbitMQWorkersTests : WorkersSpecification
{
    private readonly SharedRabbitServer _server;
    private readonly InMemoryBackplane _backplane;
    private readonly List<RabbitMQWorkQueue> _opened = [];
    private RabbitPlace _place = null!;

    public RabbitMQWorkersTests(SharedRabbitServer server) => (_server, _backplane) = (server, new(Clock));

    protected override bool MovesDelays => false;

    public override async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(_server, new TimeOfDay(Clock));
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var queue in _opened)
            await queue.DisposeAsync();
        await _place.DisposeAsync();
    }

    protected override (IBackplane Backplane, IWorkQueue Queue) OpenLayer()
    {
        // A queue takes the broker a while to make, and each test has its own.
        var queue = new RabbitMQWorkQueue(_place.Open(options => options.KeyShards = 2));
        _opened.Add(queue);
        return (_backplane, queue);
    }

    protected override Task CrashAsync(IWorkQueue queue, IWorkReceiver lease) => ((RabbitWorkReceiver)lease).AbortAsync();

    private sealed class TimeOfDay(TimeProvider day) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => day.GetUtcNow();
    }
}
