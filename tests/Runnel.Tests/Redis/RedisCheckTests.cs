using Microsoft.Extensions.Logging;
using Runnel.Redis;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What a server says of itself when it is connected to, and no server of the tests would say.</summary>
public sealed class RedisCheckTests : IDisposable
{
    private const int ClocksDiffer = 4003;
    private const string Good = "redis_version:7.0.15\r\ncluster_enabled:0\r\nrole:master\r\nmaster_replid:one\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";

    private readonly RecordedLog _log = new();

    [Theory]
    [InlineData("redis_version:6.0.16", "is version 6.0.16", "6.2")]
    [InlineData("cluster_enabled:1", "is a node of a cluster", "a server of its own")]
    public async Task One_that_cannot_be_used_is_refused_and_says_why(string fact, string says, string wants)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => OpenAsync(fact));

        Assert.Contains(says, failure.Message, StringComparison.Ordinal);
        Assert.Contains(wants, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redis_version:6.2.0")]
    [InlineData("redis_version:of a fork")]
    public async Task One_that_can_be_used_is_not_complained_of(string fact)
    {
        await OpenAsync(fact);

        Assert.Empty(_log.AtLeast(LogLevel.Warning));
    }

    [Theory]
    [InlineData(90.5)] // less what passes until it is looked at
    [InlineData(-90)]
    public async Task One_whose_clock_differs_is_warned_of_with_how_much(double minutes)
    {
        var time = TimeProvider.System.GetUtcNow().AddMinutes(minutes) - DateTimeOffset.UnixEpoch;

        await OpenAsync($"server_time_usec:{(long)time.TotalMicroseconds}");

        Assert.Contains("differ by 01:30:", Assert.Single(_log.Of(ClocksDiffer)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_whose_answer_is_late_is_not_taken_for_one_whose_clock_differs()
    {
        await OpenAsync(() =>
        {
            var time = TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch;
            SpinWait.SpinUntil(() => TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch - time > TimeSpan.FromSeconds(1.5));
            return $"server_time_usec:{(long)time.TotalMicroseconds}";
        });

        Assert.Empty(_log.AtLeast(LogLevel.Warning));
    }

    public void Dispose() => _log.Dispose();

    private Task OpenAsync(string fact) => OpenAsync(() => fact);

    private async Task OpenAsync(Func<string> fact)
    {
        await using var server = FakeRedis.Describing(() => $"{fact()}\r\n{Good}"); // what is said first holds
        await using var store = new RedisStore(new RedisOptions { Address = $"redis://127.0.0.1:{server.Port}" }, TimeProvider.System, new Logger<RedisStore>(new LoggerFactory([_log])));
        await store.OpenAsync(TestContext.Current.CancellationToken);
    }
}
