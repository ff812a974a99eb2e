using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Workers;

namespace Runnel.Tests.Toy;

/// <summary>Workers on a layer that remembers nothing, takes nothing back, and does not know duplicates.</summary>
public sealed class ToyWorkersTests : WorkersSpecification
{
    private readonly ToyBackplane _backplane;
    private readonly InMemoryWorkQueue _inner;
    private readonly ToyWorkQueue _queue;

    public ToyWorkersTests()
    {
        _backplane = new(new InMemoryBackplane(Clock));
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
