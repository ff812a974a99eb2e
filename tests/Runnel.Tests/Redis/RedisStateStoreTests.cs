using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RedisStateStoreTests(RedisServer server) : StateStoreSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(server);

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(600));

    protected override IStateStore Open() => new HistoryStateStore(_place.OpenBackplane(), TimeProvider.System);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }
}
