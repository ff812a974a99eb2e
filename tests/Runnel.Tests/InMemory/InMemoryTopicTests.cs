using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryTopicTests : TopicSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryBackplane _backplane;

    public InMemoryTopicTests() => _backplane = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override bool CanMiss => false; // there is no way that could be cut

    protected override ValueTask<IBackplane> OpenAsync() => new(_backplane);

    protected override Task WhileDeafAsync(IBackplane process, Func<Task> act) => act();
}
