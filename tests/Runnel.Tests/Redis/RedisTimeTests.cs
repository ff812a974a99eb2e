using Runnel.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>The time that a Redis goes by.</summary>
public sealed class RedisTimeTests(RedisServer server) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task The_time_of_the_queue_is_the_servers()
    {
        await using var place = new RedisPlace(server);
        await using var queue = new RedisWorkQueue(place.Open());

        var from = place.Probe.Time();
        var time = await queue.GetTimeAsync();
        var to = place.Probe.Time();

        Assert.InRange((time - DateTimeOffset.UnixEpoch).TotalMicroseconds, from, to);
    }
}
