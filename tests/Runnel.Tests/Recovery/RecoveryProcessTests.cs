using Runnel.Tests.Chaos;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>The checker of recovery in a short form, with real processes; the long one is <c>bench -- recovery</c>.</summary>
public sealed class RecoveryProcessTests
{
    [Fact]
    public async Task A_killed_node_costs_no_client_a_message_and_what_a_replica_lacks_that_takes_over_is_told()
    {
        var run = await CheckAsync("redis:", "node-kill", "replica");

        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.InRange(run.Figure("kill -9 of a node"), 20, long.MaxValue);
        Assert.InRange(run.Figure("kill -9 of Redis, and a replica"), 20, long.MaxValue);
    }

    [Fact]
    public async Task A_killed_node_costs_no_client_a_message_on_SQLite()
    {
        var folder = Directory.CreateTempSubdirectory("runnel-");
        try
        {
            var run = await CheckAsync($"sqlite:{folder.FullName}/groups.db", "node-kill");

            Assert.True(run.ExitCode == 0, run.ToString());
            Assert.InRange(run.Figure("kill -9 of a node"), 20, long.MaxValue);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task<BenchProgram> CheckAsync(string layer, params string[] faults) => BenchProgram.RunAsync(
        ["recovery", "--layer", layer, "--parts", "faults", "--checked-clients", "20", "--calm-seconds", "1", "--away-seconds", "1", "--faults", .. faults]);
}
