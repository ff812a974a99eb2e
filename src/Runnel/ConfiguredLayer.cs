using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;

namespace Runnel;

/// <summary>The layer that configuration picks: <c>--layer</c> on the command line, else <c>Runnel:Layer</c>, else what the code says.</summary>
/// <remarks>Made when it is first asked for, so that commands have their say before. <see cref="LayerOptions.Factories"/> come before the packages' own.</remarks>
public sealed class ConfiguredLayer : IAsyncDisposable
{
    private readonly Lazy<Layer> _layer;

    /// <summary>Creates the choice; an application gets it from dependency injection.</summary>
    public ConfiguredLayer(IOptions<LayerOptions> options, TimeProvider timeProvider, ILoggerFactory loggers, IConfiguration? configuration = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        Address = configuration?["layer"] ?? configuration?["Runnel:Layer"] ?? options.Value.Address;
        _layer = new(() => FactoryOf(options.Value).Create(Address, timeProvider, loggers));
    }

    /// <summary>The layer's address. It may hold a password: show <see cref="Scheme"/> to people.</summary>
    public string Address { get; }

    /// <summary>The layer's kind, such as <c>sqlite</c>.</summary>
    public string Scheme => LayerAddress.SchemeOf(Address);

    /// <summary>Carries messages to the other nodes.</summary>
    public IBackplane Backplane => _layer.Value.Backplane;

    /// <summary>Keeps messages until they are handled.</summary>
    public IWorkQueue WorkQueue => _layer.Value.WorkQueue;

    /// <summary>Connects to the layer. An application's host does before anything else uses it; whoever has no host does it first.</summary>
    /// <inheritdoc cref="Layer.OpenAsync"/>
    /// <exception cref="FormatException">The address is none; the message says what one looks like.</exception>
    public Task OpenAsync(CancellationToken cancellationToken = default) => _layer.Value.OpenAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _layer.IsValueCreated ? _layer.Value.DisposeAsync() : ValueTask.CompletedTask;

    private ILayerFactory FactoryOf(LayerOptions options) =>
        options.Factories.TryGetValue(Scheme, out var configured) ? configured : LayerAddress.FactoryOf(Address);
}
