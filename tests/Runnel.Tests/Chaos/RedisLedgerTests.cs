using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>The chaos run on Redis.</summary>
public sealed class RedisLedgerTests
{
    [Fact]
    public async Task The_same_holds_on_Redis_which_is_killed_too()
    {
        var run = await ChaosRun.RunAsync("redis:", "--kills", "4", "--server-kills", "2", "--stop-seconds", "8", "--long-job-seconds", "8");

        Assert.Equal(2, run.Figure("restarts of the server"));
        Assert.Equal(0, run.Figure("keys left that stay"));
    }
}
