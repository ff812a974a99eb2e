using Microsoft.Extensions.DependencyInjection.Extensions;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Picks the RabbitMQ layer.</summary>
public static class RunnelRabbitMQServiceCollectionExtensions
{
    /// <summary>Carries and keeps messages in RabbitMQ, unless configuration names another layer (<c>Runnel:Layer</c>, or <c>--layer</c> on the command line).</summary>
    /// <remarks>RabbitMQ remembers nothing: states of jobs, recurring messages and deduplication ids need a layer for states beside it (<c>UseRedisState</c>, <c>UseSqliteState</c>).</remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="address">Where RabbitMQ is; see <see cref="RabbitMQOptions.Host"/>. One that is not valid ends the start.</param>
    /// <param name="configure">How it is used. Holds also when configuration names another broker; <see cref="RabbitMQOptions.Host"/> is not looked at.</param>
    /// <example><code>builder.Services.AddRunnel().UseRabbitMQ("amqp://broker", rabbit => rabbit.Prefix = "shop").UseSqliteState("states.db");</code></example>
    public static RunnelBuilder UseRabbitMQ(this RunnelBuilder builder, string address, Action<RabbitMQOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(address);
        return Configure(builder, address, configure, static (options, chosen) => options.Address = chosen);
    }

    /// <summary>Keeps work in RabbitMQ, and leaves groups to the other layer, unless configuration names another one (<c>Runnel:QueueLayer</c>, or <c>--queue-layer</c> on the command line).</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="address">Where RabbitMQ is; see <see cref="RabbitMQOptions.Host"/>. One that is not valid ends the start.</param>
    /// <param name="configure">How it is used. Without it, the options of <see cref="UseRabbitMQ"/> hold; with it, these hold for every RabbitMQ of the application.</param>
    public static RunnelBuilder UseRabbitMQQueues(this RunnelBuilder builder, string address, Action<RabbitMQOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(address);
        return Configure(builder, address, configure, static (options, chosen) => options.QueueAddress = chosen);
    }

    // Also when configuration names another broker: what code says of RabbitMQ holds, and the application finds its connection.
    private static RunnelBuilder Configure(RunnelBuilder builder, string address, Action<RabbitMQOptions>? configure, Action<LayerOptions, string> choose)
    {
        builder.Services.TryAddSingleton<RabbitMQConnections>();
        builder.Services.AddOptions<LayerOptions>().Configure<RabbitMQConnections>((options, connections) =>
        {
            _ = RabbitAddress.Parse(address); // here, so that a bad one ends the start with its sentence like any other
            choose(options, address);
            if (configure is not null || !options.Factories.ContainsKey("amqp"))
                options.Factories["amqp"] = options.Factories["amqps"] = new RabbitMQLayerFactory(configure, connections);
        });
        return builder;
    }
}
