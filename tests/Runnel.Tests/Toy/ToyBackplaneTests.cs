using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.Toy;

public sealed class ToyBackplaneTests : BackplaneSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryBackplane _inner;

    public ToyBackplaneTests() => _inner = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<IBackplane> OpenAsync() => new(new ToyBackplane(_inner));

    protected override ValueTask<int> CountKeptAsync() => new(_inner.TopicCount);
}
