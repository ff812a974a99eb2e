using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>A connection that comes back, as whoever uses it sees it.</summary>
public sealed class RedisClientTests(RedisServer server) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task One_that_is_disposed_of_while_a_connection_is_greeted_ends_in_peace()
    {
        var (connected, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        RedisClient client = null!;
        client = OpenClient(isConnected =>
        {
            if (!isConnected)
                return;
            connected.SetResult();
            ended.Task.Wait();
            client.ExecuteAsync(RespWriter.Encode("PING")); // as whoever subscribes to everything anew
        });
        var first = client.ExecuteAsync(RespWriter.Encode("BLPOP", "nothing", "0"));
        await Wait.For(connected.Task, "the connection");

        var ending = client.DisposeAsync().AsTask();
        ended.SetResult();

        await Wait.For(ending, "the end");
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(first, "what was under way to fail"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.ExecuteAsync(RespWriter.Encode("PING")));
    }

    private RedisClient OpenClient(Action<bool> onConnectedChanged)
    {
        var options = new RedisOptions();
        return new RedisClient(new RedisDialer(RedisAddress.Parse(server.Address), "test", options.Timeout), options, NullLogger.Instance) { OnConnectedChanged = onConnectedChanged };
    }
}
