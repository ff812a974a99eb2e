using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.Toy;

public sealed class ToyTopicTests : TopicSpecification
{
    private readonly InMemoryBackplane _inner = new(TimeProvider.System);

    protected override SpecificationClock Clock { get; } = new ManualClock();

    protected override ValueTask<IBackplane> OpenAsync() => new(new ToyBackplane(_inner));

    protected override async Task WhileDeafAsync(IBackplane process, Func<Task> act)
    {
        var toy = (ToyBackplane)process;
        toy.Cut();
        await act();
        toy.Heal();
    }
}
