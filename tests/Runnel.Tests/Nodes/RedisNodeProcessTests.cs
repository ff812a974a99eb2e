using Runnel.Tests.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Nodes;

public sealed class RedisNodeProcessTests(RedisServer redis) : NodeProcessSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(redis);

    protected override string Address => _place.Address;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }
}
