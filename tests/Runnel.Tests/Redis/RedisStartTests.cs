using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What is wrong with a Redis is said when the layer is opened, in words that say what to do.</summary>
public sealed class RedisStartTests : IDisposable
{
    // For those that never answer. The others have more: on a busy machine their answer may come late.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1), Patience = TimeSpan.FromSeconds(10);

    private readonly RecordedLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task No_server()
    {
        var address = $"redis://127.0.0.1:{LoopbackPort.Free()}";

        var failure = await FailureOfAsync(address);

        AssertSays(failure, address[8..], "No Redis listens", "running");
    }

    [Fact]
    public async Task No_such_host() => AssertSays(await FailureOfAsync("redis://no-such-host.invalid"), "no-such-host.invalid", "no host");

    [Fact]
    public async Task No_such_socket()
    {
        var tooLong = "/" + new string('x', 200);

        AssertSays(await FailureOfAsync("redis:///nowhere/redis.sock"), "/nowhere/redis.sock", "No Redis listens", "running");
        AssertSays(await FailureOfAsync($"redis://{tooLong}"), tooLong, "No Redis listens", "too long");
    }

    [Fact]
    public async Task A_wrong_password()
    {
        await using var server = await RedisServer.StartAsync(new() { Password = "sesame" });

        var failure = await FailureOfAsync($"redis://:open@127.0.0.1:{server.Port}");

        AssertSays(failure, $"127.0.0.1:{server.Port}", "password", "redis://user:password@host");
    }

    [Fact]
    public async Task No_password_where_one_is_wanted()
    {
        await using var server = await RedisServer.StartAsync(new() { Password = "sesame" });

        var failure = await FailureOfAsync($"redis://127.0.0.1:{server.Port}");

        AssertSays(failure, $"127.0.0.1:{server.Port}", "wants a password", "redis://:password@host");
    }

    [Theory]
    [InlineData("nobody:sesame")]
    [InlineData("app:open")]
    [InlineData("app")]
    public async Task A_wrong_user(string account)
    {
        await using var server = await RedisServer.StartAsync(new() { User = "app", Password = "sesame" });

        var failure = await FailureOfAsync($"redis://{account}@127.0.0.1:{server.Port}");

        AssertSays(failure, $"'{account.Split(':')[0]}'", "password", "redis://user:password@host");
    }

    [Fact]
    public async Task A_password_with_all_that_needs_an_escape()
    {
        await using var server = await RedisServer.StartAsync(new() { User = "a:b", Password = "p@ss/w:rd%?#ü" });

        await OpenAsync(server.Address);
    }

    [Fact]
    public async Task A_user_without_a_password()
    {
        await using var server = await RedisServer.StartAsync(new() { Password = "sesame", Configuration = ["user app on nopass ~* &* +@all"] });

        await OpenAsync($"redis://app@127.0.0.1:{server.Port}");
    }

    [Fact]
    public async Task A_port_that_wants_TLS()
    {
        await using var server = await RedisServer.StartAsync(new() { Tls = true });

        var failure = await FailureOfAsync($"redis://127.0.0.1:{server.Port}");

        AssertSays(failure, $"127.0.0.1:{server.Port}", "rediss://");
    }

    [Fact]
    public async Task A_port_without_TLS()
    {
        await using var server = await RedisServer.StartAsync(new());

        var failure = await FailureOfAsync($"rediss://127.0.0.1:{server.Port}");

        AssertSays(failure, $"127.0.0.1:{server.Port}", "TLS", "redis://");
        Assert.DoesNotContain("certificate", failure, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_certificate_that_nobody_here_trusts()
    {
        await using var server = await RedisServer.StartAsync(new() { Tls = true });

        var failure = await FailureOfAsync($"rediss://127.0.0.1:{server.Port}");

        AssertSays(failure, $"127.0.0.1:{server.Port}", "certificate", "trusted", "ca=");
    }

    [Fact]
    public async Task A_certificate_of_another_authority()
    {
        await using var server = await RedisServer.StartAsync(new() { Tls = true });
        await using var other = await RedisServer.StartAsync(new() { Tls = true });

        var failure = await FailureOfAsync($"rediss://127.0.0.1:{server.Port}?ca={other.AuthorityFile}");

        AssertSays(failure, $"127.0.0.1:{server.Port}", "certificate", "trusted", other.AuthorityFile!);
    }

    [Fact]
    public async Task A_certificate_for_another_host()
    {
        await using var server = await RedisServer.StartAsync(new() { Tls = true, Configuration = ["bind 127.0.0.1 127.0.0.2"] });

        var failure = await FailureOfAsync($"rediss://127.0.0.2:{server.Port}?ca={server.AuthorityFile}");

        AssertSays(failure, $"127.0.0.2:{server.Port}", "certificate", "another host");
    }

    [Theory]
    [InlineData("/nowhere/ca.pem")]
    [InlineData("/etc/hostname")]
    [InlineData("/root")]
    public async Task An_authority_that_cannot_be_read(string file)
    {
        await using var server = await RedisServer.StartAsync(new() { Tls = true });

        var failure = await FailureOfAsync($"rediss://127.0.0.1:{server.Port}?ca={file}");

        AssertSays(failure, $"'{file}'", "ca=");
    }

    [Fact]
    public async Task A_certificate_of_the_authority_that_the_address_names()
    {
        await using var server = await RedisServer.StartAsync(new() { Tls = true, Password = "sesame" });

        await OpenAsync(server.Address);
    }

    [Fact]
    public async Task Something_that_speaks_another_language()
    {
        await using var server = ScriptedServer.Saying("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");

        AssertSays(await FailureOfAsync($"redis://127.0.0.1:{server.Port}"), $"127.0.0.1:{server.Port}", "not Redis", "port");
        AssertSays(await FailureOfAsync($"rediss://127.0.0.1:{server.Port}"), $"127.0.0.1:{server.Port}", "TLS", "port");
    }

    [Fact]
    public async Task Something_that_closes_the_connection()
    {
        await using var server = ScriptedServer.Doing((_, _) => Task.CompletedTask);

        AssertSays(await FailureOfAsync($"redis://127.0.0.1:{server.Port}"), $"127.0.0.1:{server.Port}", "not answer as Redis does", "port");
        AssertSays(await FailureOfAsync($"rediss://127.0.0.1:{server.Port}"), $"127.0.0.1:{server.Port}", "TLS", "port");
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("rediss")]
    public async Task Something_that_says_nothing(string scheme)
    {
        await using var server = ScriptedServer.Saying("");
        var began = Stopwatch.GetTimestamp();

        var failure = await FailureOfAsync($"{scheme}://127.0.0.1:{server.Port}", Timeout);

        AssertSays(failure, $"127.0.0.1:{server.Port}", "within 1 s", "port");
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, 5 * Timeout);
    }

    [Fact]
    public async Task Something_that_never_comes_to_an_end()
    {
        await using var server = ScriptedServer.Doing(async (stream, ending) =>
        {
            for (var letter = "+"u8.ToArray(); ; letter = "a"u8.ToArray())
            {
                await stream.WriteAsync(letter, ending);
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, ending);
            }
        });
        var began = Stopwatch.GetTimestamp();

        var failure = await FailureOfAsync($"redis://127.0.0.1:{server.Port}", Timeout);

        AssertSays(failure, $"127.0.0.1:{server.Port}", "within 1 s", "port");
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, 5 * Timeout);
    }

    [Theory]
    [InlineData("-ERR unknown command 'HELLO', with args beginning with: '3'", "6.2")]
    [InlineData("-LOADING Redis is loading the dataset in memory", "reading its data")]
    [InlineData("-ERR something else", "something else")]
    public async Task A_Redis_that_refuses(string answer, string says)
    {
        await using var server = ScriptedServer.Saying(answer + "\r\n");

        AssertSays(await FailureOfAsync($"redis://127.0.0.1:{server.Port}"), $"127.0.0.1:{server.Port}", says);
    }

    [Fact]
    public async Task A_Redis_that_takes_no_more_clients()
    {
        await using var server = await RedisServer.StartAsync(new());
        using var probe = server.Connect();
        probe.Configure("maxclients", "1");

        var failure = await FailureOfAsync(server.Address);

        AssertSays(failure, $"127.0.0.1:{server.Port}", "maxclients");
    }

    [Fact]
    public async Task A_Redis_that_deletes_what_it_was_to_keep()
    {
        await using var server = await RedisServer.StartAsync(new() { MaxMemoryPolicy = "allkeys-lru" });

        var failure = await FailureOfAsync(server.Address);

        AssertSays(failure, $"127.0.0.1:{server.Port}", "allkeys-lru", "CONFIG SET maxmemory-policy noeviction");
    }

    [Fact]
    public async Task A_Redis_that_only_follows_another_one()
    {
        await using var server = await RedisServer.StartAsync(new() { Configuration = [$"replicaof 127.0.0.1 {LoopbackPort.Free()}", "replica-serve-stale-data yes"] });

        var failure = await FailureOfAsync(server.Address);

        AssertSays(failure, $"127.0.0.1:{server.Port}", "replica", "master");
    }

    [Fact]
    public async Task A_Redis_that_keeps_nothing_over_a_restart_is_warned_of_and_used()
    {
        await using var server = await RedisServer.StartAsync(new() { AppendOnly = false });

        await OpenAsync(server.Address);

        var warning = Assert.Single(_log.AtLeast(LogLevel.Warning));
        Assert.Contains("appendonly yes", warning.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Redis_with_nothing_to_complain_of_is_not_complained_of()
    {
        await using var server = await RedisServer.StartAsync(new());

        await OpenAsync(server.Address);

        Assert.Empty(_log.AtLeast(LogLevel.Information));
    }

    [Fact]
    public async Task Data_that_another_version_of_Runnel_has_stored()
    {
        await using var server = await RedisServer.StartAsync(new());
        using var probe = server.Connect();

        await using (var store = StoreAt(server.Address, Patience))
        await using (var queue = new RedisWorkQueue(store))
        {
            await queue.EnqueueAsync("work", [new Layers.Envelope(new Layers.Message("do", default)) { Id = Layers.MessageId.New(TimeProvider.System) }], Layers.EnqueueOptions.Default);
            await Wait.Until(() => probe.Exists("test:format"), "the format is noted");
        }
        var format = probe.Text("GET", "test:format");
        await OpenAsync(server.Address);
        probe.Ask("SET", "test:format", "2");

        Assert.Equal("1", format);
        AssertSays(await FailureOfAsync(server.Address), $"127.0.0.1:{server.Port}", "'test'", "format 2", "format 1", "prefix");
    }

    [Fact]
    public async Task A_unix_socket_and_a_database()
    {
        await using var server = await RedisServer.StartAsync(new() { Password = "sesame" });
        using var probe = server.Connect();

        await OpenAsync($"{server.UnixAddress}?db=3");

        probe.Ask("SELECT", "3");
        Assert.NotEmpty(probe.Keys("test:*"));
        probe.Ask("SELECT", "0");
        Assert.Empty(probe.Keys());
    }

    [Fact]
    public async Task A_database_that_there_is_not()
    {
        await using var server = await RedisServer.StartAsync(new());

        AssertSays(await FailureOfAsync($"{server.Address}/16"), "database 16", "databases");
    }

    private RedisStore StoreAt(string address, TimeSpan timeout) =>
        new(new RedisOptions { Address = address, Prefix = "test", Timeout = timeout }, TimeProvider.System, new Logger<RedisStore>(new LoggerFactory([_log])));

    // Opens it, and uses it.
    private async Task OpenAsync(string address)
    {
        await using var store = StoreAt(address, Patience);
        await using var backplane = new RedisBackplane(store);
        await store.OpenAsync();
        await using var listener = await TopicListener.OnAsync(backplane, Layers.Topic.OfGroup("g"));
        await backplane.PublishAsync(Layers.Topic.OfGroup("g"), Encoding.UTF8.GetBytes("hello"), new Layers.Retention(1, TimeSpan.FromMinutes(1)));
        Assert.Equal("hello", await listener.NextAsync());
    }

    private async Task<string> FailureOfAsync(string address, TimeSpan? timeout = null)
    {
        await using var store = StoreAt(address, timeout ?? Patience);
        var failed = await Record.ExceptionAsync(() => Wait.For(store.OpenAsync(), "the failure"));
        Assert.True(failed is IOException or InvalidOperationException, $"It ended with {failed}.");
        Assert.Empty(_log.AtLeast(LogLevel.Warning));
        return failed.Message;
    }

    private static void AssertSays(string failure, params string[] words)
    {
        Assert.All(words, word => Assert.Contains(word, failure, StringComparison.Ordinal));
        Assert.Matches(@"^\p{Lu}.*[.?]$", failure);
        Assert.DoesNotMatch(@"\.\.|\.:|sesame|Redis refused", failure);
    }
}
