using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Admission;
using Runnel.AspNetCore.Handover;
using Runnel.AspNetCore.Http;
using Runnel.AspNetCore.Sockets;
using Runnel.Layers;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Runnel in a web application.</summary>
public static class RunnelAspNetCoreServiceCollectionExtensions
{
    /// <summary>Adds consumers, groups and channels, on the in-memory layer until a <c>Use…</c> picks another.</summary>
    /// <example><code>builder.Services.AddRunnel();</code></example>
    public static RunnelBuilder AddRunnel(this IServiceCollection services, Action<RunnelOptions>? configure = null)
    {
        var builder = services.AddRunnelCore(configure).AddRunnelWorkers();
        services.AddOptions<GatewayOptions>().ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<HostOptions>().PostConfigure<IOptions<GatewayOptions>, IOptions<RunnelOptions>>(DrainService.GiveTime); // its own limit is for all services together
        services.TryAddSingleton<Drain>();
        services.TryAddSingleton<ConnectionLimits>();
        services.TryAddSingleton<Handshakes>();
        services.TryAddSingleton<RefusalLog>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, KeepAliveService>());
        services.TryAddSingleton<MappedConsumers>();
        services.TryAddSingleton<IConsumerEndpoints>(static provider => provider.GetRequiredService<MappedConsumers>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IExchangeHandler, HttpConsumerWorker>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<INodeRole, ConnectionWorkerRole>());
        services.TryAddSingleton<GatewayRole>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<INodeRole, GatewayRole>(static provider => provider.GetRequiredService<GatewayRole>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, GatewayRole>(static provider => provider.GetRequiredService<GatewayRole>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, DrainService>());
        return builder;
    }
}
