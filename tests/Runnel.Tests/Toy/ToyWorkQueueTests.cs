using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.Toy;

public sealed class ToyWorkQueueTests : WorkQueueModelSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryWorkQueue _inner;

    public ToyWorkQueueTests() => _inner = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<OpenedQueue> OpenAsync()
    {
        var queue = new ToyWorkQueue(_inner);
        return new(new OpenedQueue(queue, queue));
    }

    protected override Task CrashAsync(IWorkReceiver lease)
    {
        _inner.Crash(lease.WorkerId);
        return Task.CompletedTask;
    }
}
