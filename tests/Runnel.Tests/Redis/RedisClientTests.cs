using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Redis;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
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

    [Theory]
    [InlineData("READONLY You can't write against a read only replica.", "READONLY", true)]
    [InlineData("READONLY You can't write against a read only replica. script: 6b81, on @user_script:1.", "READONLY", true)]
    [InlineData("ERR Error running script (call to f_1028): @user_script:4: @user_script: 4: -READONLY You can't write against a read only replica.", "READONLY", true)]
    [InlineData("ERR Error running script (call to f_1028): @user_script:4: @user_script: 4: -OOM command not allowed when used memory > 'maxmemory'.", "OOM", false)]
    [InlineData("ERR Error running script (call to f_1028): @user_script:4: attempt to index a nil value", "ERR", false)]
    [InlineData("NOSCRIPT", "NOSCRIPT", true)]
    public void What_a_refusal_is_about_is_known_on_all_versions(string error, string code, bool isPassing)
    {
        var refusal = new RedisErrorException(error);

        Assert.Equal((code, isPassing), (refusal.Code, refusal.IsPassing));
    }

    [Fact]
    public async Task What_has_been_answered_does_not_count_as_waiting_for_an_answer()
    {
        var clock = new ManualTimeProvider();
        await using var connection = new RedisConnection(NewDialer(new RedisOptions()).Connect(), clock, onPush: null);

        for (var i = 0; i < 10; i++)
        {
            var echo = new RedisCommand(RespWriter.Encode("ECHO", new string('x', 1000)));
            connection.TrySend(echo);
            await Wait.For(echo.Task, "the answer");
        }
        clock.Advance(TimeSpan.FromSeconds(2));

        Assert.False(connection.IsStuck(TimeSpan.FromSeconds(1), commands: 1, bytes: 1000));
    }

    [Fact]
    public async Task A_command_that_has_Redis_wait_may_take_longer_by_that()
    {
        var (clock, timeout) = (new ManualTimeProvider(), TimeSpan.FromSeconds(5));
        await using var connection = new RedisConnection(NewDialer(new RedisOptions()).Connect(), clock, onPush: null);
        var wait = new RedisCommand(RespWriter.Encode("BLPOP", "nothing", "0")) { Wait = TimeSpan.FromSeconds(10) };
        connection.TrySend(wait);

        clock.Advance(wait.Wait);
        connection.Check(timeout);
        Assert.True(connection.TrySend(new RedisCommand(RespWriter.Encode("PING"))));

        clock.Advance(timeout);
        connection.Check(timeout);
        Assert.False(connection.TrySend(new RedisCommand(RespWriter.Encode("PING"))));
    }

    [Fact]
    public async Task What_waits_as_the_connection_is_lost_takes_its_room_once()
    {
        var options = new RedisOptions { OutageBufferBytes = 2000 };
        await using var client = OpenClient(static _ => { }, options);
        await client.OpenAsync(TestContext.Current.CancellationToken);

        for (var i = 0; i < 3; i++)
        {
            client.Break();
            var echo = client.ExecuteAsync(new RedisCommand(RespWriter.Encode("ECHO", new string('x', 1500)), repeatMark: -1));
            await Wait.For(echo, "the answer");
        }
    }

    private RedisClient OpenClient(Action<bool> onConnectedChanged, RedisOptions? options = null)
    {
        options ??= new RedisOptions();
        return new RedisClient(NewDialer(options), options, new RedisOutage("redis", TimeProvider.System, NullLogger.Instance)) { OnConnectedChanged = onConnectedChanged };
    }

    private RedisDialer NewDialer(RedisOptions options) => new(RedisAddress.Parse(server.Address), "test", options.Timeout);
}
