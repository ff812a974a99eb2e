using Runnel.ChannelLayers;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryChannelLayerTests : ChannelLayerSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryBackplane _backplane;
    private readonly InMemoryWorkQueue _queue;

    public InMemoryChannelLayerTests()
    {
        _backplane = new(_clock.TimeProvider);
        _queue = new(_clock.TimeProvider);
    }

    protected override SpecificationClock Clock => _clock;

    protected override IWorkQueueOperator Operator => _queue;

    protected override ValueTask<IChannelLayer> CreateAsync(ChannelLayerOptions options) =>
        new(new ChannelLayer(_backplane, _queue, _queue, options, _clock.TimeProvider));
}
