using Xunit;

namespace Runnel.Tests.Cli;

/// <summary>What the tool takes from the environment, and what not.</summary>
public sealed class EnvironmentTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-");

    private Dictionary<string, string> LayersOfAllKinds => new()
    {
        ["Runnel__Layer"] = $"sqlite:{FileOf("main")}",
        ["Runnel__QueueLayer"] = $"sqlite:{FileOf("work")}",
        ["Runnel__StateLayer"] = $"sqlite:{FileOf("states")}",
    };

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_layer_on_the_command_line_is_the_only_one_however_many_the_environment_names()
    {
        var sent = await RunnelTool.RunAsync(LayersOfAllKinds, input: "", "send", "payments", "1", "--layer", $"sqlite:{FileOf("test")}");

        Assert.True(sent.ExitCode == 0, sent.Error);
        Assert.Equal(["test.db"], Databases());
    }

    [Fact]
    public async Task Without_a_layer_on_the_command_line_all_come_from_the_environment_but_those_that_it_names()
    {
        var sent = await RunnelTool.RunAsync(LayersOfAllKinds, input: "", "send", "payments", "1", "--queue-layer", $"sqlite:{FileOf("test")}");

        Assert.True(sent.ExitCode == 0, sent.Error);
        Assert.Equal(["main.db", "states.db", "test.db"], Databases());
    }

    private string FileOf(string name) => Path.Combine(_folder.FullName, $"{name}.db");

    private IEnumerable<string> Databases() => _folder.GetFiles("*.db").Select(file => file.Name).Order(StringComparer.Ordinal);
}
