using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryStateStoreTests : StateStoreSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryBackplane _backplane;

    public InMemoryStateStoreTests() => _backplane = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override IStateStore Open() => new HistoryStateStore(_backplane, _clock.TimeProvider);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_name_is_forgotten_with_its_value_or_its_reservation(bool isValue)
    {
        var states = Open();
        if (isValue)
            await states.SetAsync("name", "value"u8.ToArray(), _clock.Units(10));
        else
            Assert.NotNull(await states.ReserveAsync("name", _clock.Units(5), _clock.Units(10)));

        await _clock.AdvanceAsync(11);

        Assert.Null(await states.GetAsync("other")); // what has aged is forgotten when there is traffic
        Assert.Equal(0, _backplane.TopicCount);
    }
}
