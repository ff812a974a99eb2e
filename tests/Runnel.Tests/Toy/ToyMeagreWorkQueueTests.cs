using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.Toy;

/// <summary>The basics, which every queue keeps, are all that is left where no feature is promised.</summary>
public sealed class ToyMeagreWorkQueueTests : WorkQueueSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryWorkQueue _inner;

    public ToyMeagreWorkQueueTests() => _inner = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<OpenedQueue> OpenAsync()
    {
        var queue = new MeagreWorkQueue(_inner);
        return new(new OpenedQueue(queue, queue));
    }

    protected override Task CrashAsync(IWorkReceiver lease)
    {
        _inner.Crash(lease.WorkerId);
        return Task.CompletedTask;
    }
}
