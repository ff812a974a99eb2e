using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryBackplaneTests : BackplaneSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryBackplane _backplane;

    public InMemoryBackplaneTests() => _backplane = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<IBackplane> OpenAsync() => new(_backplane);

    protected override ValueTask<int> CountKeptAsync() => new(_backplane.TopicCount);
}
