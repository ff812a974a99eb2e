using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>The chaos run in a short form; the long one is <c>bench -- chaos</c>.</summary>
public sealed class LedgerTests
{
    [Fact]
    public async Task Whatever_is_killed_nothing_confirmed_is_lost_reordered_early_or_left_behind()
    {
        var folder = Directory.CreateTempSubdirectory("runnel-");
        try
        {
            var run = await BenchProgram.RunAsync(
                "chaos", "--layer", $"sqlite:{folder.FullName}/work.db", "--messages", "3000", "--kills", "4", "--handovers", "0", "--stop-seconds", "2", "--long-job-seconds", "4");

            Assert.True(run.ExitCode == 0, run.ToString());
            Assert.InRange(run.Figure("messages confirmed to the producer"), 3000, long.MaxValue);
            Assert.Equal(0, run.Figure("messages lost"));
            Assert.Equal(0, run.Figure("executions out of their key's order"));
            Assert.Equal(0, run.Figure("executions before the message was due"));
            Assert.Equal(0, run.Figure("rows left, all tables"));
            Assert.Equal(1, run.Figure("executions of the long job"));
            Assert.Empty(folder.EnumerateFileSystemInfos());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
