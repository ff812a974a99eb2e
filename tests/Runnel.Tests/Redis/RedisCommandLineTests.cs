using Runnel.Tests.Servers;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>How an application's start ends that cannot work on the Redis it was given: with exit code 1, and one sentence that says what to do.</summary>
public sealed class RedisCommandLineTests
{
    [Theory]
    [InlineData("runserver")]
    [InlineData("runserver", "--noworker")]
    [InlineData("runworker")]
    public async Task A_redis_that_is_away_is_one_sentence(params string[] command)
    {
        var port = LoopbackPort.Free();

        await FailsAsync(command, $"redis://127.0.0.1:{port}", $"No Redis listens at 127.0.0.1:{port}. Is it running, and is the address right?");
    }

    [Theory]
    [InlineData("redis://:wrong@HOST", "Redis at HOST refuses the user 'default' or the password. Correct them in the address: redis://user:password@host.")]
    [InlineData("redis://ann:right@HOST", "Redis at HOST refuses the user 'ann' or the password. Correct them in the address: redis://user:password@host.")]
    [InlineData("redis://HOST", "Redis at HOST wants a password. Write it into the address: redis://:password@host, or redis://user:password@host.")]
    [InlineData("redis://:right@HOST/zero", "'zero' is not the number of a Redis database: write redis://user:password@host:6379/0, rediss://host for TLS, or redis:///path/to/redis.sock.")]
    [InlineData("redis://:right@HOST?colour=red", "A Redis address has no option 'colour': there are prefix=, db=, ca= and keys=.")]
    [InlineData("redis://:right@HOST?keys=/no/such/file", "The file '/no/such/file' of the encryption keys (keys= in the address of Redis) cannot be read: Could not find a part of the path '/no/such/file'.")]
    [InlineData("redis://:right@HOST?prefix=a%20b", "'a b' is not a prefix: a prefix has 1 to 40 letters, digits, '_', '.' and '-'.")]
    public async Task What_is_wrong_with_the_address_is_said(string address, string sentence)
    {
        await using var redis = await RedisServer.StartAsync(new RedisServerOptions { Password = "right" });
        var host = $"127.0.0.1:{redis.Port}";

        await FailsAsync(["runserver"], address.Replace("HOST", host, StringComparison.Ordinal), sentence.Replace("HOST", host, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_redis_that_may_delete_messages_is_refused()
    {
        await using var redis = await RedisServer.StartAsync(new RedisServerOptions { MaxMemoryPolicy = "allkeys-lru" });

        await FailsAsync(["runworker"], redis.Address, $"Redis at 127.0.0.1:{redis.Port} deletes messages when its memory is full: its maxmemory-policy is allkeys-lru. Set it to noeviction ('CONFIG SET maxmemory-policy noeviction', and in redis.conf).");
    }

    private static async Task FailsAsync(string[] command, string address, string sentence)
    {
        var (code, _, error) = await AppProcess.RunAsync([.. command, "--urls", "http://127.0.0.1:0", "--layer", address]);

        Assert.Equal(sentence, error.Trim());
        Assert.Equal(1, code);
    }
}
