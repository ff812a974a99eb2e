using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>The chaos run in a short form on Redis.</summary>
public sealed class RedisLedgerTests
{
    [Fact]
    public async Task The_same_holds_on_Redis_which_is_killed_too()
    {
        var run = await BenchProgram.RunAsync(
            "chaos", "--layer", "redis:", "--messages", "3000", "--kills", "4", "--server-kills", "2", "--handovers", "0", "--stop-seconds", "8", "--long-job-seconds", "8");

        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.InRange(run.Figure("messages confirmed to the producer"), 3000, long.MaxValue);
        Assert.Equal(0, run.Figure("messages lost"));
        Assert.Equal(0, run.Figure("executions out of their key's order"));
        Assert.Equal(0, run.Figure("executions before the message was due"));
        Assert.Equal(2, run.Figure("restarts of the server"));
        Assert.Equal(0, run.Figure("keys left that stay"));
        Assert.Equal(1, run.Figure("executions of the long job"));
    }
}
