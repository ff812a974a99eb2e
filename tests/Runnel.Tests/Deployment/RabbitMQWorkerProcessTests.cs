using Runnel.Tests.Servers;

namespace Runnel.Tests.Deployment;

public sealed class RabbitMQWorkerProcessTests(SharedRabbitServer server) : WorkerProcessSpecification, IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-");
    private RabbitVirtualHost? _host;

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private protected override async Task<string[]> LayerAsync()
    {
        _host = await server.CreateHostAsync();
        return ["--layer", _host.Address, "--state-layer", $"sqlite:{Path.Combine(_folder.FullName, "states.db")}"];
    }
}
