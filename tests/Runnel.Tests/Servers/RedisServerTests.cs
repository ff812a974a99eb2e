using System.Net.Sockets;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Servers;

/// <summary>What the tests of the Redis layer stand on.</summary>
public sealed class RedisServerTests
{
    [Fact]
    public async Task A_server_answers_as_soon_as_it_is_started_and_is_gone_when_it_is_disposed_of()
    {
        var server = await RedisServer.StartAsync(new());
        string folder;
        using (var probe = server.Connect())
        {
            folder = probe.Texts("CONFIG", "GET", "dir")[1];
            Assert.Equal($"redis://127.0.0.1:{server.Port}", server.Address);
            Assert.Equal("PONG", probe.Text("PING"));
        }

        await server.DisposeAsync();

        Assert.False(Directory.Exists($"/proc/{server.Id}"));
        Assert.False(Directory.Exists(folder));
        Assert.Throws<SocketException>(() => RedisProbe.Connect(server.Port));
    }

    [Fact]
    public async Task What_was_written_before_a_kill_is_there_when_the_server_is_again()
    {
        await using var server = await RedisServer.StartAsync(new());
        var (port, id) = (server.Port, server.Id);
        using (var before = server.Connect())
            before.Ask("SET", "key", "value");

        await server.KillAsync();
        Assert.Throws<SocketException>(() => server.Connect());
        await server.RestartAsync();

        using var after = server.Connect();
        Assert.Equal("value", after.Text("GET", "key"));
        Assert.Equal(port, server.Port);
        Assert.NotEqual(id, server.Id);
    }

    [Fact]
    public async Task Without_an_append_only_file_a_kill_leaves_nothing()
    {
        await using var server = await RedisServer.StartAsync(new() { AppendOnly = false });
        using (var before = server.Connect())
            before.Ask("SET", "key", "value");

        await server.KillAsync();
        await server.RestartAsync();

        using var after = server.Connect();
        Assert.Empty(after.Keys());
    }

    [Fact]
    public async Task A_server_with_TLS_answers_those_who_trust_its_authority_and_nobody_without_TLS()
    {
        await using var server = await RedisServer.StartAsync(new() { Tls = true });

        using var probe = server.Connect();

        Assert.Equal($"rediss://127.0.0.1:{server.Port}?ca={server.AuthorityFile}", server.Address);
        Assert.Equal("PONG", probe.Text("PING"));
        using var plain = RedisProbe.Connect(server.Port);
        Assert.ThrowsAny<IOException>(() => plain.Text("PING"));
    }

    [Fact]
    public async Task A_password_is_asked_for_and_stands_in_the_address()
    {
        await using var server = await RedisServer.StartAsync(new() { Password = "open:sesame" });

        using var probe = server.Connect();
        using var stranger = RedisProbe.Connect(server.Port);

        Assert.Equal($"redis://:open%3Asesame@127.0.0.1:{server.Port}", server.Address);
        Assert.Equal("PONG", probe.Text("PING"));
        Assert.Contains("NOAUTH", Assert.Throws<InvalidOperationException>(() => stranger.Text("PING")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_may_do_what_its_rights_say()
    {
        await using var server = await RedisServer.StartAsync(new() { User = "app", Password = "secret", UserRights = "~app:* &* +@all -flushall" });

        using var probe = server.Connect();
        probe.Ask("SET", "app:key", "value");

        Assert.StartsWith("redis://app:secret@", server.Address, StringComparison.Ordinal);
        Assert.Contains("NOPERM", Assert.Throws<InvalidOperationException>(probe.Flush).Message, StringComparison.Ordinal);
        Assert.Contains("NOPERM", Assert.Throws<InvalidOperationException>(() => probe.Exists("other")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_listens_on_a_unix_socket_too_and_is_configured_as_asked()
    {
        await using var server = await RedisServer.StartAsync(new() { MaxMemoryPolicy = "allkeys-lru", Configuration = ["databases 3"] });

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(new Uri(server.UnixAddress).AbsolutePath));

        using var probe = server.Connect();
        Assert.Equal("allkeys-lru", probe.Texts("CONFIG", "GET", "maxmemory-policy")[1]);
        Assert.Equal("3", probe.Texts("CONFIG", "GET", "databases")[1]);
    }

    [Fact]
    public async Task A_paused_server_answers_when_it_goes_on()
    {
        await using var server = await RedisServer.StartAsync(new());
        using var probe = server.Connect();

        await server.PauseAsync();
        var answer = Task.Run(() => probe.Text("PING"));
        Assert.False(answer.IsCompleted);
        await server.ResumeAsync();

        Assert.Equal("PONG", await Wait.For(answer, "the answer"));
    }

    [Fact]
    public async Task A_paused_server_is_ended_too()
    {
        var server = await RedisServer.StartAsync(new());
        await server.PauseAsync();

        await server.DisposeAsync();

        Assert.False(Directory.Exists($"/proc/{server.Id}"));
    }

    [Fact]
    public async Task A_server_that_cannot_start_says_why()
    {
        var failed = await Assert.ThrowsAsync<InvalidOperationException>(() => RedisServer.StartAsync(new() { Configuration = ["aclfile /nowhere/users.acl"] }));

        Assert.Contains("/nowhere/users.acl", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_probe_sees_keys_commands_and_clients()
    {
        await using var server = await RedisServer.StartAsync(new());
        using var probe = server.Connect();
        using var other = server.Connect();
        for (var i = 0; i < 2500; i++)
            probe.Ask("SET", $"many:{i}", "value");
        probe.Ask("SET", "one", "ü", "PX", "60000");
        probe.ForgetCommandCalls();

        probe.Ask("RPUSH", "list", "a", "b");
        var keys = probe.Keys("many:*");
        var calls = probe.CommandCalls();
        var clients = probe.Clients().Count;
        var killed = probe.KillClients();

        Assert.Equal(2500, keys.Count);
        Assert.Equal(2502, probe.Number("DBSIZE"));
        Assert.Equal(1, calls["rpush"]);
        Assert.False(calls.ContainsKey("set"));
        Assert.Equal(["a", "b"], probe.Texts("LRANGE", "list", "0", "-1"));
        Assert.Equal("ü", probe.Text("GET", "one"));
        Assert.Equal([0xC3, 0xBC], probe.Bytes("GET", "one"));
        Assert.Null(probe.Text("GET", "none"));
        Assert.InRange(probe.TimeToLive("one")!.Value, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60));
        Assert.Null(probe.TimeToLive("list"));
        Assert.True(probe.Exists("one"));
        Assert.False(probe.Exists("none"));
        Assert.Equal((2, 1), (clients, killed));
        Assert.ThrowsAny<IOException>(() => other.Text("PING"));
    }
}
