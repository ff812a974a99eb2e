using Runnel.ChannelLayers;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RedisChannelLayerTests : ChannelLayerSpecification, IClassFixture<RedisServer>
{
    private readonly ManualClock _clock = new();
    private readonly RedisPlace _place;
    private readonly RedisWorkQueue _operator;
    private readonly List<IAsyncDisposable> _parts = [];

    public RedisChannelLayerTests(RedisServer server)
    {
        _place = new RedisPlace(server, _clock.TimeProvider);
        _operator = new RedisWorkQueue(_place.Open());
        _parts.Add(_operator);
    }

    protected override SpecificationClock Clock => _clock;

    protected override IWorkQueueOperator Operator => _operator;

    protected override ValueTask<IChannelLayer> CreateAsync(ChannelLayerOptions options)
    {
        var store = _place.Open();
        var (backplane, queue) = (new RedisBackplane(store), new RedisWorkQueue(store));
        _parts.AddRange([queue, backplane]);
        return new(new ChannelLayer(backplane, queue, queue, options, _clock.TimeProvider));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var part in _parts)
            await part.DisposeAsync();
        await _place.DisposeAsync();
    }
}
