using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Every process and every worker with connections of its own, and the time as it is: the broker cannot be given another one.</summary>
public sealed class RabbitMQWorkQueueTests(SharedRabbitServer server) : WorkQueueSpecification
{
    private RabbitPlace _place = null!;

    // A broker that is busy takes a second to make a queue, and a message that a test has given two units must not expire meanwhile.
    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(600));

    public override async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        await base.InitializeAsync();
    }

    protected override ValueTask<OpenedQueue> OpenAsync()
    {
        // A queue takes the broker a while to make, and each test has its own.
        var queue = new RabbitMQWorkQueue(_place.Open(options => options.KeyShards = 3));
        return new(new OpenedQueue(queue, queue));
    }

    protected override Task CrashAsync(IWorkReceiver lease) => ((RabbitWorkReceiver)lease).AbortAsync();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }
}
