using Runnel.Tests.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Nodes;

public sealed class RedisNodeProcessTests(RedisServer redis) : NodeProcessSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(redis);

    protected override string Address => _place.Address;

    // The default: here a node lives as long as it is heard, and a busy machine may keep it from speaking for a second.
    protected override TimeSpan Lease => TimeSpan.FromSeconds(5);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }
}
