using System.Diagnostics;
using Runnel.Tests.Sqlite;
using Xunit;

namespace Runnel.Tests.Cli;

public sealed class NodesCommandTests
{
    [Fact]
    public async Task It_waits_for_answers_for_as_long_as_it_is_told()
    {
        await using var file = new SqliteFile(TimeProvider.System);
        Assert.Equal(0, (await RunnelTool.RunAsync("send", "tasks", "1", "--layer", $"sqlite:{file.Path}")).ExitCode);
        var began = Stopwatch.GetTimestamp();

        var tool = await RunnelTool.RunAsync("nodes", "--wait", "2500ms", "--layer", $"sqlite:{file.Path}");

        Assert.Equal((0, "No node answers."), (tool.ExitCode, tool.Error.Trim()));
        Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromSeconds(2.5));
    }
}
