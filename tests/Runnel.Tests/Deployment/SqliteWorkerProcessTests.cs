using Xunit;

namespace Runnel.Tests.Deployment;

public sealed class SqliteWorkerProcessTests : WorkerProcessSpecification, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-");

    private string[] Layer => ["--layer", $"sqlite:{Path.Combine(_folder.FullName, "work.db")}"];

    [Fact]
    public async Task Workers_take_the_connections_that_their_patterns_say_and_no_other()
    {
        await using var fleet = new Fleet(Layer);
        var gateway = fleet.StartGatewayAsync();
        var others = await fleet.StartWorkerAsync("*", "websocket.connect.commands,[a-v]*");
        var commands = await fleet.StartWorkerAsync("websocket.connect.commands");

        await using var clients = await CommandClients.StartAsync(await gateway, 10);

        await clients.BalancedAsync(commands);
        await clients.EndAsync();
        await Fleet.HearOfEndsAsync(10, commands);
        Assert.Equal(0, await Fleet.EndAsync(others));
        Assert.Equal(10, await Fleet.EndAsync(commands));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private protected override Task<string[]> LayerAsync() => Task.FromResult(Layer);
}
