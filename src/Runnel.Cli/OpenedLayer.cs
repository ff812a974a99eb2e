using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Runnel.Sqlite;
using Runnel.Workers;

namespace Runnel.Cli;

/// <summary>The layers that a command works on, seen through the services of an application that has no consumers and is never started.</summary>
internal sealed class OpenedLayer : IAsyncDisposable
{
    /// <summary>The environment variable that applications read their layer's address from, too.</summary>
    public const string Variable = "Runnel__Layer";

    /// <summary>The same for the layer for work.</summary>
    public const string QueueVariable = "Runnel__QueueLayer";

    /// <summary>The same for the layer for states.</summary>
    public const string StateVariable = "Runnel__StateLayer";

    private readonly ServiceProvider _services;

    private OpenedLayer(ServiceProvider services) => _services = services;

    public IChannels Channels => _services.GetRequiredService<IChannels>();

    public IGroups Groups => _services.GetRequiredService<IGroups>();

    public IJobs Jobs => _services.GetRequiredService<IJobs>();

    public INodes Nodes => _services.GetRequiredService<INodes>();

    public IWorkQueue Queue => _services.GetRequiredService<IWorkQueue>();

    public IWorkQueueOperator Operator => _services.GetRequiredService<IWorkQueueOperator>();

    /// <summary>Lets a command use what its user asks for on a channel: the tool does not know what the application declares.</summary>
    public void Declare(ChannelName channel) => _services.GetRequiredService<ChannelRegistry>()
        .Declare(channel, options => (options.Ordered, options.Deduplicate, options.Cancellable) = (true, true, true));

    /// <summary>Finds the layers and connects to them.</summary>
    /// <exception cref="ToolException">There is no address, or the tool cannot use one.</exception>
    public static async Task<OpenedLayer> OpenAsync(string? given, string? givenQueue, string? givenState, bool mayCreate, CancellationToken cancellationToken, Action<RunnelOptions>? configure = null)
    {
        // Whoever names a layer means that one. The environment may name production's layer for work, and a command must not purge that in its place.
        Func<string, string?> environment = given is null ? Environment.GetEnvironmentVariable : static _ => null;
        var (address, queueAddress, stateAddress) = (NotEmpty(given ?? environment(Variable)), NotEmpty(givenQueue ?? environment(QueueVariable)), NotEmpty(givenState ?? environment(StateVariable)));
        if (address is null)
            throw ToolException.Usage($"Say which layer: --layer sqlite:work.db or --layer redis://HOST, or the same address in the environment's {Variable}.");
        try
        {
            foreach (var one in new[] { address, queueAddress, stateAddress }.OfType<string>())
                RefuseUnusable(one, mayCreate);
            return await ConnectAsync(address, queueAddress, stateAddress, configure, cancellationToken);
        }
        catch (FormatException exception)
        {
            throw ToolException.Usage(exception.Message);
        }
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static string? NotEmpty(string? address) => string.IsNullOrWhiteSpace(address) ? null : address;

    private static async Task<OpenedLayer> ConnectAsync(string address, string? queueAddress, string? stateAddress, Action<RunnelOptions>? configure, CancellationToken cancellationToken)
    {
        var services = new ServiceCollection();
        services.AddRunnelCore(configure).AddRunnelWorkers();
        services.Configure<LayerOptions>(layers => (layers.Address, layers.QueueAddress, layers.StateAddress) = (address, queueAddress, stateAddress));
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

    private static void RefuseUnusable(string address, bool mayCreate)
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
            throw new ToolException($"There is no SQLite database '{path}'. The application creates it when it starts, and so does 'runnel send'.");
    }
}
