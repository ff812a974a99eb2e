using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RedisStateStoreTests(RedisServer server) : StateStoreSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(server);
    private readonly List<RedisBackplane> _backplanes = [];

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(600));

    protected override IStateStore Open()
    {
        var backplane = new RedisBackplane(_place.Open());
        _backplanes.Add(backplane);
        return new HistoryStateStore(backplane, TimeProvider.System);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var backplane in _backplanes)
            await backplane.DisposeAsync();
        await _place.DisposeAsync();
    }
}
