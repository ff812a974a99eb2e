using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;

namespace Runnel;

/// <summary>The layer that configuration picks: <c>--layer</c> on the command line, else <c>Runnel:Layer</c>, else what the code says.</summary>
/// <remarks>
/// Made when it is first asked for, so that commands have their say before. <see cref="LayerOptions.Factories"/> come before the packages' own. An
/// address of no use keeps no service from being made: <see cref="OpenAsync"/> fails then, which ends the start with one sentence.
/// </remarks>
public sealed class ConfiguredLayer : IAsyncDisposable
{
    private readonly IOptions<LayerOptions> _options;
    private readonly IConfiguration? _configuration;
    private readonly Lazy<Layer> _layer;
    private string? _madeFrom;

    /// <summary>Creates the choice; an application gets it from dependency injection.</summary>
    public ConfiguredLayer(IOptions<LayerOptions> options, TimeProvider timeProvider, ILoggerFactory loggers, IConfiguration? configuration = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _configuration = configuration;
        _layer = new(() => Make(timeProvider, loggers));
    }

    /// <summary>The layer's address. It may hold a password: show <see cref="Scheme"/> to people.</summary>
    /// <exception cref="FormatException">The code named an address that is of no use.</exception>
    public string Address => _configuration?["layer"] ?? _configuration?["Runnel:Layer"] ?? _options.Value.Address;

    /// <summary>The layer's kind, such as <c>sqlite</c>.</summary>
    /// <exception cref="FormatException">The address is of no use.</exception>
    public string Scheme => LayerAddress.SchemeOf(Address);

    /// <summary>Carries messages to the other nodes.</summary>
    /// <exception cref="InvalidOperationException">The layer carries none.</exception>
    public IBackplane Backplane => _layer.Value.Backplane ?? throw Lacks("carries no messages between nodes");

    /// <summary>Keeps messages until they are handled.</summary>
    /// <exception cref="InvalidOperationException">The layer keeps none.</exception>
    public IWorkQueue WorkQueue => _layer.Value.WorkQueue ?? throw Lacks("keeps no work");

    /// <summary>The operator's side of <see cref="WorkQueue"/>.</summary>
    /// <exception cref="InvalidOperationException">The layer has none.</exception>
    public IWorkQueueOperator Operator => _layer.Value.Operator ?? throw Lacks("has no operator's side for its work queue");

    /// <summary>Connects to the layer. An application's host does before anything else uses it; whoever has no host does it first.</summary>
    /// <inheritdoc cref="Layer.OpenAsync"/>
    /// <exception cref="FormatException">The address is of no use; the message says what one looks like.</exception>
    public Task OpenAsync(CancellationToken cancellationToken = default)
    {
        var layer = _layer.Value;
        if (_madeFrom is not null && _madeFrom != Address)
            throw new InvalidOperationException("The layer was made before the command line named another one: let the application ask for groups, channels and jobs after RunRunnelAsync has begun, or name the layer in the environment's Runnel__Layer.");
        return layer.OpenAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _layer.IsValueCreated ? _layer.Value.DisposeAsync() : ValueTask.CompletedTask;

    private InvalidOperationException Lacks(string what) => new($"The layer '{Scheme}:' {what}. Use another one, such as sqlite: or redis:.");

    private Layer Make(TimeProvider timeProvider, ILoggerFactory loggers)
    {
        try
        {
            _madeFrom = Address;
            var factory = _options.Value.Factories.TryGetValue(LayerAddress.SchemeOf(_madeFrom), out var configured) ? configured : LayerAddress.FactoryOf(_madeFrom);
            return factory.Create(_madeFrom, timeProvider, loggers);
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException or OptionsValidationException or IOException)
        {
            return UnusableLayer.Because(exception);
        }
    }
}
