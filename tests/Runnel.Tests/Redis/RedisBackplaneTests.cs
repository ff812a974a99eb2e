using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RedisBackplaneTests(RedisServer server) : BackplaneSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(server);

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(300));

    protected override ValueTask<IBackplane> OpenAsync() => new(new RedisBackplane(_place.Open()));

    protected override ValueTask<int> CountKeptAsync() => new(_place.Kept.Count);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }
}
