using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryStateStoreTests : StateStoreSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryBackplane _backplane;

    public InMemoryStateStoreTests() => _backplane = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override IStateStore Open() => new HistoryStateStore(_backplane, _clock.TimeProvider);
}
