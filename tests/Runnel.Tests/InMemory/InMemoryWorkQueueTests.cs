using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryWorkQueueTests : WorkQueueModelSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryWorkQueue _queue;

    public InMemoryWorkQueueTests() => _queue = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<OpenedQueue> OpenAsync() => new(new OpenedQueue(_queue, _queue));

    protected override Task CrashAsync(IWorkReceiver lease)
    {
        _queue.Crash(lease.WorkerId);
        return Task.CompletedTask;
    }
}
