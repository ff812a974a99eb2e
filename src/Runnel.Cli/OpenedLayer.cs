using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Runnel.Sqlite;
using Runnel.Workers;

namespace Runnel.Cli;

/// <summary>The layer that a command works on, seen through the services of an application that has no consumers and is never started.</summary>
internal sealed class OpenedLayer : IAsyncDisposable
{
    /// <summary>The environment variable that applications read their layer's address from, too.</summary>
    public const string Variable = "Runnel__Layer";

    private readonly ServiceProvider _services;

    private OpenedLayer(ServiceProvider services) => _services = services;

    public IChannels Channels => _services.GetRequiredService<IChannels>();

    public IJobs Jobs => _services.GetRequiredService<IJobs>();

    public IWorkQueueOperator Operator => _services.GetRequiredService<IWorkQueueOperator>();

    /// <summary>Lets a command use what its user asks for on a channel: the tool does not know what the application declares.</summary>
    public void Declare(ChannelName channel) => _services.GetRequiredService<ChannelRegistry>()
        .Declare(channel, options => (options.Ordered, options.Deduplicate, options.Cancellable) = (true, true, true));

    /// <summary>Finds the layer and connects to it.</summary>
    /// <exception cref="ToolException">There is no address, or it is of no use.</exception>
    public static async Task<OpenedLayer> OpenAsync(string? given, bool mayCreate, CancellationToken cancellationToken)
    {
        var address = given ?? Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrWhiteSpace(address))
            throw ToolException.Usage($"Say which layer: --layer sqlite:work.db or --layer redis://HOST, or the same address in the environment's {Variable}.");
        try
        {
            RefuseWhatIsOfNoUse(address, mayCreate);
            return await ConnectAsync(address, cancellationToken);
        }
        catch (FormatException exception)
        {
            throw ToolException.Usage(exception.Message);
        }
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static async Task<OpenedLayer> ConnectAsync(string address, CancellationToken cancellationToken)
    {
        var services = new ServiceCollection();
        services.AddRunnelCore().UseLayer(address).AddRunnelWorkers();
        var opened = new OpenedLayer(services.BuildServiceProvider());
        try
        {
            await opened._services.GetRequiredService<ConfiguredLayer>().OpenAsync(cancellationToken);
            return opened;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    private static void RefuseWhatIsOfNoUse(string address, bool mayCreate)
    {
        switch (LayerAddress.SchemeOf(address))
        {
            case "memory":
                throw ToolException.Usage("'memory:' is the memory of the application's process, which no other process can see. Give the application a layer that both can reach, such as sqlite:work.db or redis://HOST.");
            case "sqlite" when !mayCreate:
                RefuseMissingFile(SqliteLayerFactory.PathOf(address));
                break;
        }
        try
        {
            _ = LayerAddress.FactoryOf(address);
        }
        catch (InvalidOperationException)
        {
            throw ToolException.Usage($"This version of the tool has no layer for '{LayerAddress.SchemeOf(address)}:'.");
        }
    }

    // A folder that is missing, or is meant to be the file, is the layer's own to explain.
    private static void RefuseMissingFile(string path)
    {
        if (path.Length > 0 && !Path.Exists(path) && Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))))
            throw new ToolException($"There is no SQLite database '{path}': its application makes it when it starts, and 'runnel send' does.");
    }
}
