using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>The chaos run in a short form; the long one is <c>bench -- chaos</c>.</summary>
internal static class ChaosRun
{
    /// <summary>Runs it, and asserts what holds on every layer.</summary>
    /// <param name="layer">The address of the layer.</param>
    /// <param name="faults">What is killed and how often, and how long the jobs take meanwhile.</param>
    /// <returns>What it printed, for what is the layer's own.</returns>
    public static async Task<BenchProgram> RunAsync(string layer, params string[] faults)
    {
        var run = await BenchProgram.RunAsync(["chaos", "--layer", layer, "--messages", "3000", "--handovers", "0", .. faults]);

        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.InRange(run.Figure("messages confirmed to the producer"), 3000, long.MaxValue);
        Assert.Equal(0, run.Figure("messages lost"));
        Assert.Equal(0, run.Figure("executions out of their key's order"));
        Assert.Equal(0, run.Figure("executions before the message was due"));
        Assert.Equal(1, run.Figure("executions of the long job"));
        return run;
    }
}
