using Runnel.Tests.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Cli;

public sealed class RedisJobsCommandTests(RedisServer redis) : JobsCommandSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(redis);

    protected override string Address => _place.Address;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }
}
