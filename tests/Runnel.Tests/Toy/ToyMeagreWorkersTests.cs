using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Workers;

namespace Runnel.Tests.Toy;

/// <summary>Workers on a queue that keeps only the basics, beside a backplane that can remember for it.</summary>
public sealed class ToyMeagreWorkersTests : WorkersSpecification
{
    private readonly InMemoryBackplane _backplane;
    private readonly InMemoryWorkQueue _inner;
    private readonly MeagreWorkQueue _queue;

    public ToyMeagreWorkersTests()
    {
        _backplane = new(Clock);
        _inner = new(Clock);
        _queue = new(_inner);
    }

    protected override (IBackplane Backplane, IWorkQueue Queue) OpenLayer() => (_backplane, _queue);

    protected override Task CrashAsync(IWorkQueue queue, IWorkReceiver lease)
    {
        _inner.Crash(lease.WorkerId);
        return Task.CompletedTask;
    }
}
