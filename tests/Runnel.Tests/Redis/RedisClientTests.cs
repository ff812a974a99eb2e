using System.Collections.Concurrent;
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
    [InlineData("LOADING Redis is loading the dataset in memory", "LOADING", true)]
    [InlineData("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "MASTERDOWN", true)]
    [InlineData("TRYAGAIN Multiple keys request during rehashing of slot", "TRYAGAIN", true)]
    [InlineData("CLUSTERDOWN The cluster is down", "CLUSTERDOWN", true)]
    [InlineData("NOREPLICAS Not enough good replicas to write.", "NOREPLICAS", false)]
    [InlineData("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "MISCONF", false)]
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
    public async Task A_command_has_all_its_time_however_long_nothing_was_asked_before_it()
    {
        var (clock, timeout) = (new ManualTimeProvider(), TimeSpan.FromSeconds(5));
        await using var connection = new RedisConnection(NewDialer(new RedisOptions()).Connect(), clock, onPush: null);

        clock.Advance(timeout - TimeSpan.FromSeconds(1));
        connection.TrySend(new RedisCommand(RespWriter.Encode("BLPOP", "nothing", "0")));
        clock.Advance(TimeSpan.FromSeconds(2));
        connection.Check(timeout);

        Assert.True(connection.TrySend(new RedisCommand(RespWriter.Encode("PING"))));
    }

    [Fact]
    public async Task A_connection_that_is_not_used_is_asked_something_now_and_then()
    {
        var (clock, timeout) = (new ManualTimeProvider(), TimeSpan.FromSeconds(5));
        await using var connection = new RedisConnection(NewDialer(new RedisOptions()).Connect(), clock, onPush: null);
        using var probe = server.Connect();
        probe.ForgetCommandCalls();

        connection.Check(timeout);
        Assert.Empty(connection.Unanswered);
        for (var asked = 1; asked <= 2; asked++)
        {
            clock.Advance(timeout);
            connection.Check(timeout);
            await Wait.Until(() => probe.CommandCalls().GetValueOrDefault("ping") == asked && connection.Unanswered.Length == 0, "it is asked, and has answered");
        }
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

    [Fact]
    public async Task What_waits_without_a_limit_waits_also_where_there_is_no_room_and_longer_than_others()
    {
        var options = new RedisOptions { OutageBuffer = 2, OutageTimeout = TimeSpan.FromMilliseconds(300) };
        await using var wire = TcpWire.To(server.Port);
        await using var client = OpenClient(static _ => { }, options, server.AddressAt(wire.Port));
        wire.Cut();

        Task<RespValue>[] others = [Echo("1"), Echo("2")];
        var patient = client.ExecuteAsync(new RedisCommand(RespWriter.Encode("ECHO", "patient"), repeatMark: -1) { IsPatient = true });
        foreach (var other in (Task<RespValue>[])[.. others, Echo("none has room")])
            await Assert.ThrowsAsync<RedisUnavailableException>(() => Wait.For(other, "one that waits no longer"));
        await Assert.ThrowsAsync<RedisUnavailableException>(() => Wait.For(Echo("4"), "one that came later"));
        Assert.False(patient.IsCompleted);
        wire.Heal();

        Assert.Equal("patient", (await Wait.For(patient, "the answer")).ToString());

        Task<RespValue> Echo(string text) => client.ExecuteAsync(new RedisCommand(RespWriter.Encode("ECHO", text), repeatMark: -1));
    }

    [Fact]
    public async Task What_waits_no_longer_makes_room_for_others()
    {
        var options = new RedisOptions { OutageBufferBytes = 2000, OutageTimeout = TimeSpan.FromMilliseconds(300) };
        await using var wire = TcpWire.To(server.Port);
        await using var client = OpenClient(static _ => { }, options, server.AddressAt(wire.Port));
        wire.Cut();

        for (var i = 0; i < 3; i++)
        {
            var failure = await Assert.ThrowsAsync<RedisUnavailableException>(
                () => Wait.For(client.ExecuteAsync(new RedisCommand(RespWriter.Encode("ECHO", new string('x', 1500)), repeatMark: -1)), "the end of the wait"));
            Assert.Contains("waits no longer than 0.3 s", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_connection_that_comes_when_nobody_waits_for_it_any_more_is_closed()
    {
        await using var wire = TcpWire.To(server.Port);
        await using var client = OpenClient(static _ => { }, address: server.AddressAt(wire.Port));
        using var leaves = new CancellationTokenSource();
        wire.Silence(toServer: false);
        var opening = client.OpenAsync(leaves.Token);
        await Wait.Until(() => wire.Connections == 1, "it connects");

        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(opening, "the end of the wait"));
        wire.Heal();

        await Wait.Until(() => wire.Connections == 0, "the connection is closed");
    }

    [Fact]
    public async Task A_client_that_is_opened_twice_has_one_connection()
    {
        await using var wire = TcpWire.To(server.Port);
        await using var client = OpenClient(static _ => { }, address: server.AddressAt(wire.Port));

        await client.OpenAsync(TestContext.Current.CancellationToken);
        await client.OpenAsync(TestContext.Current.CancellationToken);

        // The client uses the first one as soon as the thread pool comes to it, which may be after the second one is closed.
        await Wait.Until(() => wire.Connections == 1 && client.IsConnected, "the first one is used, and the other one is closed");
        Assert.Equal(2, wire.Taken);
    }

    [Fact]
    public async Task A_server_that_closes_every_connection_at_once_is_not_stormed()
    {
        const int Tries = 8;
        var began = TimeProvider.System.GetTimestamp(); // not with the first close: a server that closes late has had the client count the connection as stable
        var times = new ConcurrentQueue<long>();
        await using var fake = FakeRedis.ClosingWhatIsGreeted(() => times.Enqueue(TimeProvider.System.GetTimestamp()));
        await using var client = OpenClient(static _ => { }, address: $"redis://127.0.0.1:{fake.Port}");

        await client.OpenAsync(TestContext.Current.CancellationToken);
        await Wait.Until(() => times.Count >= Tries, "it has tried so often");

        // It rests for 20, 40, 80, 160, 320, 640 and 1,000 ms, or for half of that by chance.
        Assert.InRange(TimeProvider.System.GetElapsedTime(began, times.ElementAt(Tries - 1)), TimeSpan.FromSeconds(1), TimeSpan.MaxValue);
    }

    private RedisClient OpenClient(Action<bool> onConnectedChanged, RedisOptions? options = null, string? address = null)
    {
        options ??= new RedisOptions();
        return new RedisClient(NewDialer(options, address), options, new RedisOutage("redis", TimeProvider.System, NullLogger.Instance)) { OnConnectedChanged = onConnectedChanged };
    }

    private RedisDialer NewDialer(RedisOptions options, string? address = null) => new(RedisAddress.Parse(address ?? server.Address), "test", options.Timeout);
}
