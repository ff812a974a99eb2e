using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Runnel;
using Runnel.Layers;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Runnel's core.</summary>
public static class RunnelServiceCollectionExtensions
{
    /// <summary>Adds groups, channels and consumers on the in-memory layer. A web application calls <c>AddRunnel</c>, which calls this.</summary>
    public static RunnelBuilder AddRunnelCore(this IServiceCollection services, Action<RunnelOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<RunnelOptions>().ValidateDataAnnotations().ValidateOnStart();
        if (configure is not null)
            options.Configure(configure);

        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IBackplane, InMemoryBackplane>();
        services.TryAddSingleton<RunnelNode>();
        services.TryAddSingleton<IGroups>(provider => provider.GetRequiredService<RunnelNode>().Groups);
        services.TryAddSingleton<IChannels>(provider => provider.GetRequiredService<RunnelNode>().Channels);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, NodeInbox>());
        return new RunnelBuilder(services);
    }
}
