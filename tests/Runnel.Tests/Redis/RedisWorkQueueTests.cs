using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>The test's clock in place of the server's, so that time moves when the test says so.</summary>
public sealed class RedisWorkQueueTests(RedisServer server) : WorkQueueModelSpecification, IClassFixture<RedisServer>
{
    private readonly ManualClock _clock = new();
    private readonly List<RedisWorkQueue> _queues = [];
    private RedisPlace? _place;

    protected override SpecificationClock Clock => _clock;

    // Moving the clock must not look as if all workers had died.
    protected override ReceiverOptions LeaseOptions { get; } = new() { LeaseDuration = TimeSpan.FromDays(30) };

    private RedisPlace Place => _place ??= new RedisPlace(server, _clock.TimeProvider);

    protected override ValueTask<OpenedQueue> OpenAsync()
    {
        var queue = new RedisWorkQueue(Place.Open());
        _queues.Add(queue);
        return new(new OpenedQueue(queue, queue));
    }

    protected override Task CrashAsync(IWorkReceiver lease) => Place.CrashAsync(_queues, lease);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Place.DisposeAsync();
    }
}
