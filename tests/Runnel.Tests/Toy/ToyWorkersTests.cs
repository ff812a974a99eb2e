using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Workers;

namespace Runnel.Tests.Toy;

/// <summary>Workers on a layer that remembers nothing, takes nothing back, and does not know duplicates.</summary>
public sealed class ToyWorkersTests : WorkersSpecification
{
    private readonly ToyBackplane _backplane;
    private readonly ToyWorkQueue _queue;

    public ToyWorkersTests()
    {
        _backplane = new(new InMemoryBackplane(Clock));
        _queue = new(new InMemoryWorkQueue(Clock));
    }

    protected override (IBackplane Backplane, IWorkQueue Queue) OpenLayer() => (_backplane, _queue);
}
