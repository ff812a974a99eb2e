using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>The chaos run on SQLite.</summary>
public sealed class LedgerTests
{
    [Fact]
    public async Task Whatever_is_killed_nothing_confirmed_is_lost_reordered_early_or_left_behind()
    {
        var folder = Directory.CreateTempSubdirectory("runnel-");
        try
        {
            var run = await ChaosRun.RunAsync($"sqlite:{folder.FullName}/work.db", "--kills", "4", "--stop-seconds", "2", "--long-job-seconds", "4");

            Assert.Equal(0, run.Figure("rows left, all tables"));
            Assert.Empty(folder.EnumerateFileSystemInfos());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
