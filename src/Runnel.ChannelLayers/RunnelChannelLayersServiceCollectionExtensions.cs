using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Runnel.ChannelLayers;
using Runnel.Layers;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the channel layer.</summary>
public static class RunnelChannelLayersServiceCollectionExtensions
{
    /// <summary>Adds <see cref="IChannelLayer"/>, on the layer that the application uses.</summary>
    /// <remarks>The application has one channel layer. It is disposed with the application's services.</remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">The limits. The defaults are those of Channels' layer specification.</param>
    /// <example><code>builder.Services.AddRunnel().AddChannelLayer(layer => layer.Capacity = 1_000);</code></example>
    public static RunnelBuilder AddChannelLayer(this RunnelBuilder builder, Action<ChannelLayerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = builder.Services.AddOptions<ChannelLayerOptions>().ValidateDataAnnotations().ValidateOnStart();
        if (configure is not null)
            options.Configure(configure);
        builder.Services.TryAddSingleton(Create);
        return builder;
    }

    private static IChannelLayer Create(IServiceProvider services)
    {
        var backplane = services.GetRequiredService<IBackplane>();
        var limits = services.GetRequiredService<IOptions<ChannelLayerOptions>>().Value;
        var clock = services.GetRequiredService<TimeProvider>();
        return services.GetService<IDirectChannels>() is { } channels
            ? new DirectChannelLayer(backplane, channels, limits, clock)
            : new ChannelLayer(backplane, services.GetRequiredService<IWorkQueue>(), services.GetRequiredService<IWorkQueueOperator>(), limits, clock);
    }
}
