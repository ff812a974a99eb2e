using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel;

/// <summary>The layers that configuration picks: <c>--layer</c> on the command line, else <c>Runnel:Layer</c>, else what the code says.</summary>
/// <remarks>
/// <c>--queue-layer</c>, or <c>Runnel:QueueLayer</c>, picks another one for work: the queue, and what an operator sees of it. <c>--state-layer</c>, or
/// <c>Runnel:StateLayer</c>, picks another one that remembers: states of jobs, and last ticks of recurring messages. The layers are made on first use, after the command
/// line has been read. <see cref="LayerOptions.Factories"/> come before the packages' own. Services can be created even if an address is invalid; <see cref="OpenAsync"/> then
/// fails, which ends the start with one sentence. An application that registers an <see cref="IBackplane"/> of its own keeps its states in the history of that one, unless it
/// picks a layer for states or registers an <see cref="IStateStore"/>, too.
/// </remarks>
public sealed class ConfiguredLayer : IAsyncDisposable
{
    private readonly IOptions<LayerOptions> _options;
    private readonly IConfiguration? _configuration;
    private readonly IEnumerable<ILayerUser> _users;
    private readonly TimeProvider _timeProvider;
    private readonly IServiceProvider? _services;
    private readonly Lazy<LayerComposition> _layers;
    private (string Address, string QueueAddress, string? StateAddress)? _madeFrom;

    /// <summary>Creates the choice; an application gets it from dependency injection.</summary>
    public ConfiguredLayer(IOptions<LayerOptions> options, TimeProvider timeProvider, ILoggerFactory loggers, IEnumerable<ILayerUser> users, IConfiguration? configuration = null, IServiceProvider? services = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _configuration = configuration;
        _users = users;
        _timeProvider = timeProvider;
        _services = services;
        _layers = new(() => Compose(timeProvider, loggers));
    }

    /// <summary>The layer's address. It may hold a password: show <see cref="Scheme"/> to people.</summary>
    /// <exception cref="FormatException">The code named an invalid address.</exception>
    public string Address => _configuration?["layer"] ?? _configuration?["Runnel:Layer"] ?? _options.Value.Address;

    /// <summary>The layer's kind, such as <c>sqlite</c>.</summary>
    /// <exception cref="FormatException">The address is invalid.</exception>
    public string Scheme => LayerAddress.SchemeOf(Address);

    /// <summary>The address of the layer for work; that of <see cref="Address"/> unless another one was picked. It may hold a password: show <see cref="QueueScheme"/> to people.</summary>
    public string QueueAddress => _configuration?["queue-layer"] ?? _configuration?["Runnel:QueueLayer"] ?? _options.Value.QueueAddress ?? Address;

    /// <summary>The kind of the layer for work, such as <c>sqlite</c>.</summary>
    /// <exception cref="FormatException">The address is invalid.</exception>
    public string QueueScheme => LayerAddress.SchemeOf(QueueAddress);

    /// <summary>
    /// The address of the layer that remembers; <see langword="null"/> unless one was picked: then the layer of <see cref="Address"/> remembers, or that of
    /// <see cref="QueueAddress"/> if only that one can. It may hold a password.
    /// </summary>
    public string? StateAddress => _configuration?["state-layer"] ?? _configuration?["Runnel:StateLayer"] ?? _options.Value.StateAddress;

    /// <summary>Why this process must not go on with its layers, as a sentence; <see langword="null"/> while it may.</summary>
    /// <remarks>Another process of the application keeps its states elsewhere, so that neither would see what the other one remembers. The application stops.</remarks>
    public string? Failure { get; internal set; }

    /// <summary>Carries messages to the other nodes.</summary>
    /// <exception cref="InvalidOperationException">The layer carries no messages between nodes.</exception>
    public IBackplane Backplane => _layers.Value.Backplane ?? throw Lacks(Scheme, "carries no messages between nodes", "Runnel:Layer");

    /// <summary>Keeps messages until they are handled.</summary>
    /// <exception cref="InvalidOperationException">The layer keeps no work.</exception>
    public IWorkQueue WorkQueue => _layers.Value.WorkQueue ?? throw Lacks(QueueScheme, "keeps no work", "Runnel:QueueLayer");

    /// <summary>The operator's side of <see cref="WorkQueue"/>.</summary>
    /// <exception cref="InvalidOperationException">The layer has no operator's side.</exception>
    public IWorkQueueOperator Operator => _layers.Value.Operator ?? throw Lacks(QueueScheme, "has no operator's side for its work queue", "Runnel:QueueLayer");

    /// <summary>Remembers values and reservations. If no layer can, whatever is asked of it throws <see cref="NotSupportedException"/>.</summary>
    /// <exception cref="InvalidOperationException">A layer was picked for it that remembers nothing.</exception>
    public IStateStore State => _layers.Value.State
        ?? (StateAddress is { } address ? throw Lacks(LayerAddress.SchemeOf(address), "remembers nothing", "Runnel:StateLayer") : LackingStateStore.Instance);

    /// <summary>Connects to the layers, and checks that they can do what the application declares (<see cref="ILayerUser"/>).</summary>
    /// <remarks>An application's host calls this before anything else uses the layers. Without a host, call it first.</remarks>
    /// <inheritdoc cref="Layer.OpenAsync"/>
    /// <exception cref="FormatException">The address is invalid; the message says what one looks like.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        var layers = _layers.Value;
        if (_madeFrom is not null && _madeFrom != (Address, QueueAddress, StateAddress))
            throw new InvalidOperationException("The layer was made before the command line named another one: let the application ask for groups, channels and jobs after RunRunnelAsync has begun, or name the layer in the environment's Runnel__Layer.");
        await layers.OpenAsync(cancellationToken);
        foreach (var use in _users.SelectMany(user => user.Uses))
            Check(use, layers);
    }

    /// <summary>The state store of an application that has this backplane. One of its own comes before the layers, unless a layer was picked for states.</summary>
    internal IStateStore StateOn(IBackplane backplane)
    {
        var layers = _layers.Value;
        if (layers.Backplane == backplane || StateAddress is not null)
            return State;
        if (backplane.Features.HasFlag(BackplaneFeatures.History))
            return new HistoryStateStore(backplane, _timeProvider);
        // The main layer does not count: its place is taken, and what it remembers no other node may see.
        return layers.MainRemembers ? LackingStateStore.Instance : State;
    }

    /// <summary>The channels of processes that come with this backplane; <see langword="null"/> when there are none, or the backplane is the application's own.</summary>
    internal IDirectChannels? DirectChannelsOn(IBackplane backplane) => _layers.Value.Backplane == backplane ? _layers.Value.DirectChannels : null;

    /// <summary>The nodes that reach each other over this backplane. They live on the main layer alone: where states are kept may be away meanwhile.</summary>
    internal NodeDirectory NodesOn(IBackplane backplane, NodeContext node)
    {
        var layers = _layers.Value;
        return layers.Backplane == backplane ? new(node, layers.MainBackplane!, layers.ProofOfLife) : new(node, backplane, proof: null);
    }

    /// <summary>Whether the application takes these seams from its layers, and does not bring its own.</summary>
    internal bool Fills(IBackplane backplane, IStateStore states) => _layers.Value.Backplane == backplane && _layers.Value.State == states;

    /// <inheritdoc cref="LayerComposition.MainRemembers"/>
    internal bool MainRemembers => _layers.Value.MainRemembers;

    /// <inheritdoc cref="LayerComposition.GetStateIdentityAsync"/>
    internal Task<string?> GetStateIdentityAsync(CancellationToken cancellationToken) => _layers.Value.GetStateIdentityAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _layers.IsValueCreated ? _layers.Value.DisposeAsync() : ValueTask.CompletedTask;

    // An application may bring seams of its own, and then they are what it works with.
    private void Check(LayerUse use, LayerComposition layers)
    {
        var state = use.State || use.StateCanReplace ? _services?.GetService<IStateStore>() ?? State : null;
        use.Check(
            use.Backplane == BackplaneFeatures.None ? null : _services?.GetService<IBackplane>() ?? layers.Backplane,
            use.WorkQueue == WorkQueueFeatures.None ? null : _services?.GetService<IWorkQueue>() ?? layers.WorkQueue,
            state is LackingStateStore ? null : state);
    }

    private static InvalidOperationException Lacks(string scheme, string what, string setting) =>
        new($"The layer '{scheme}:' {what}. Pick another one that does, such as sqlite: or redis: ({setting}).");

    private LayerComposition Compose(TimeProvider timeProvider, ILoggerFactory loggers)
    {
        string address, queueAddress;
        string? stateAddress;
        try
        {
            (address, queueAddress, stateAddress) = (Address, QueueAddress, StateAddress);
            _madeFrom = (address, queueAddress, stateAddress);
        }
        catch (Exception exception) when (exception is FormatException or OptionsValidationException)
        {
            return new(UnusableLayer.Because(exception), queue: null, state: null, timeProvider);
        }
        // An address that is named twice is one layer.
        Dictionary<string, Layer> made = [];
        return new(Of(address), Of(queueAddress), stateAddress is null ? null : Of(stateAddress), timeProvider);

        Layer Of(string named) => made.TryGetValue(named, out var layer) ? layer : made[named] = Make(named, timeProvider, loggers);
    }

    private Layer Make(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        try
        {
            var factory = _options.Value.Factories.TryGetValue(LayerAddress.SchemeOf(address), out var configured) ? configured : LayerAddress.FactoryOf(address);
            return factory.Create(address, timeProvider, loggers);
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException or OptionsValidationException or IOException)
        {
            return UnusableLayer.Because(exception);
        }
    }
}
