using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel;
using Runnel.Consumers;
using Runnel.Exchanges;
using Runnel.Groups;
using Runnel.Handover;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Nodes;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Runnel's core.</summary>
public static class RunnelServiceCollectionExtensions
{
    /// <summary>Adds groups and consumers on the in-memory layer. Applications call <c>AddRunnel</c>, which calls this.</summary>
    public static RunnelBuilder AddRunnelCore(this IServiceCollection services, Action<RunnelOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<RunnelOptions>().ValidateDataAnnotations().ValidateOnStart();
        if (configure is not null)
            options.Configure(configure);
        services.AddOptions<HandoverOptions>().ValidateDataAnnotations().ValidateOnStart();

        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ConfiguredLayer>();
        services.TryAddSingleton(provider => provider.GetRequiredService<ConfiguredLayer>().Backplane);
        services.TryAddSingleton(provider => provider.GetRequiredService<ConfiguredLayer>().StateOn(provider.GetRequiredService<IBackplane>()));
        services.TryAddSingleton<IDirectChannels>(provider => provider.GetRequiredService<ConfiguredLayer>().DirectChannelsOn(provider.GetRequiredService<IBackplane>())!); // perhaps none
        services.TryAddSingleton(provider => new NodeContext(
            provider.GetRequiredService<IOptions<RunnelOptions>>().Value,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<RunnelNode>>()));
        services.TryAddSingleton(provider => provider.GetRequiredService<ConfiguredLayer>().NodesOn(provider.GetRequiredService<IBackplane>(), provider.GetRequiredService<NodeContext>()));
        services.TryAddSingleton<INodes>(provider => provider.GetRequiredService<NodeDirectory>());
        services.TryAddSingleton<InboxSender>();
        services.TryAddSingleton<WorkerTable>();
        services.TryAddSingleton(LinksOf);
        services.TryAddSingleton(provider => new WorkerExchanges(
            provider.GetRequiredService<NodeContext>(),
            provider.GetRequiredService<NodeLinks>(),
            provider.GetRequiredService<WorkerTable>(),
            provider.GetServices<IExchangeHandler>(),
            provider.GetRequiredService<IOptions<HandoverOptions>>().Value.MaxRequests));
        services.TryAddSingleton<MemberTable>();
        services.TryAddSingleton<ConnectionTable>();
        services.TryAddSingleton<PositionKey>();
        services.TryAddSingleton<PositionSeals>();
        services.TryAddSingleton<GroupJoining>();
        services.TryAddSingleton<GroupTopics>();
        services.TryAddSingleton<GroupRegistry>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILayerUser, HistoryUses>());
        services.TryAddSingleton<IGroups>(provider => provider.GetRequiredService<GroupRegistry>());
        services.TryAddSingleton(provider => new SessionHost(
            provider.GetRequiredService<NodeContext>(),
            provider,
            provider.GetRequiredService<ConnectionTable>(),
            provider.GetRequiredService<GroupRegistry>(),
            new Lazy<IChannels>(provider.GetRequiredService<IChannels>))); // on first use: an application without work needs no layer that keeps any
        services.TryAddSingleton<IScopeFormat, ScopeFormat>();
        services.TryAddSingleton(provider => new ConsumerSessions(
            provider.GetRequiredService<SessionHost>(),
            provider.GetRequiredService<IOptions<HandoverOptions>>(),
            new Lazy<ConnectionOwners>(provider.GetRequiredService<ConnectionOwners>)));
        services.TryAddSingleton<ConnectionOwners>();
        services.TryAddSingleton<ConnectionWorker>();
        services.TryAddSingleton(provider => new RunnelNode(
            provider.GetRequiredService<NodeContext>(),
            provider.GetRequiredService<ConnectionTable>(),
            provider.GetRequiredService<MemberTable>(),
            provider.GetRequiredService<InboxSender>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, NodeInbox>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, StateGreeting>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, NodeService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IWorkerChannels, TakenConnections>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, WorkerGreeter>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, HandoverService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ExchangeService>());
        return new RunnelBuilder(services);
    }

    /// <summary>Picks the layer by its address, unless configuration names another (<c>Runnel:Layer</c>, or <c>--layer</c> on the command line).</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="address"><c>memory:</c>, <c>sqlite:path</c>, <c>redis://…</c> and so on. The application must refer to the layer's package. The start fails if the address is invalid.</param>
    public static RunnelBuilder UseLayer(this RunnelBuilder builder, string address)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(address);
        builder.Services.Configure<LayerOptions>(options => options.Address = address);
        return builder;
    }

    /// <summary>Picks another layer for work by its address, unless configuration names one (<c>Runnel:QueueLayer</c>, or <c>--queue-layer</c> on the command line).</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="address"><c>sqlite:path</c>, <c>redis://…</c> and so on. The application must refer to the layer's package. The start fails if the address is invalid.</param>
    public static RunnelBuilder UseQueueLayer(this RunnelBuilder builder, string address)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(address);
        builder.Services.Configure<LayerOptions>(options => options.QueueAddress = address);
        return builder;
    }

    /// <summary>
    /// Picks another layer that remembers by its address, unless configuration names one (<c>Runnel:StateLayer</c>, or <c>--state-layer</c> on the command line): states of
    /// jobs, last ticks of recurring messages, and deduplication ids that the layer for work cannot keep.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="address"><c>sqlite:path</c>, <c>redis://…</c> and so on; the layer's package has to be referenced. The start fails if the address is invalid.</param>
    public static RunnelBuilder UseStateLayer(this RunnelBuilder builder, string address)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(address);
        builder.Services.Configure<LayerOptions>(options => options.StateAddress = address);
        return builder;
    }

    private static NodeLinks LinksOf(IServiceProvider provider)
    {
        var links = new NodeLinks(provider.GetRequiredService<NodeContext>(), provider.GetRequiredService<IBackplane>(), provider.GetRequiredService<INodes>());
        links.Register(LinkKind.Greeting, provider.GetRequiredService<WorkerTable>());
        return links;
    }
}
