using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Connections;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Picks the Redis layer.</summary>
public static class RunnelRedisServiceCollectionExtensions
{
    /// <summary>Carries and keeps messages in Redis, unless configuration names another layer (<c>Runnel:Layer</c>, or <c>--layer</c> on the command line).</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="address">Where Redis is; see <see cref="RedisOptions.Address"/>. One that is not valid ends the start.</param>
    /// <param name="configure">How it is used. Holds also when configuration names another Redis; <see cref="RedisOptions.Address"/> is not looked at.</param>
    /// <example><code>builder.Services.AddRunnel().UseRedis("redis://cache:6379", redis => redis.Prefix = "shop");</code></example>
    public static RunnelBuilder UseRedis(this RunnelBuilder builder, string address, Action<RedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(address);
        var factory = new RedisLayerFactory(configure);
        builder.Services.Configure<LayerOptions>(options =>
        {
            _ = RedisAddress.Parse(address); // here, so that a bad one ends the start with its sentence like any other
            options.Address = address;
            options.Factories["redis"] = options.Factories["rediss"] = factory;
        });
        return builder;
    }

    /// <summary>Keeps work in Redis, and leaves groups to the other layer, unless configuration names another one (<c>Runnel:QueueLayer</c>, or <c>--queue-layer</c> on the command line).</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="address">Where Redis is; see <see cref="RedisOptions.Address"/>. One that is not valid ends the start.</param>
    /// <param name="configure">How it is used. Without it, the options of <see cref="UseRedis"/> hold; with it, these hold for every Redis of the application.</param>
    public static RunnelBuilder UseRedisQueues(this RunnelBuilder builder, string address, Action<RedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(address);
        builder.Services.Configure<LayerOptions>(options =>
        {
            _ = RedisAddress.Parse(address);
            options.QueueAddress = address;
            if (configure is not null)
                options.Factories["redis"] = options.Factories["rediss"] = new RedisLayerFactory(configure);
        });
        return builder;
    }

    /// <summary>Keeps states in Redis, and leaves the rest to the other layers, unless configuration names another one (<c>Runnel:StateLayer</c>, or <c>--state-layer</c> on the command line).</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="address">Where Redis is; see <see cref="RedisOptions.Address"/>. If it is not the address of a Redis, the start fails.</param>
    /// <param name="configure">How it is used. Without it, the options of <see cref="UseRedis"/> hold; with it, these hold for every Redis of the application.</param>
    public static RunnelBuilder UseRedisState(this RunnelBuilder builder, string address, Action<RedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(address);
        builder.Services.Configure<LayerOptions>(options =>
        {
            _ = RedisAddress.Parse(address);
            options.StateAddress = address;
            if (configure is not null)
                options.Factories["redis"] = options.Factories["rediss"] = new RedisLayerFactory(configure);
        });
        return builder;
    }
}
