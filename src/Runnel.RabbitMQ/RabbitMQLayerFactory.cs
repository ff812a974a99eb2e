using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.RabbitMQ.Channels;

[assembly: LayerScheme("amqp", typeof(Runnel.RabbitMQ.RabbitMQLayerFactory))]
[assembly: LayerScheme("amqps", typeof(Runnel.RabbitMQ.RabbitMQLayerFactory))]

namespace Runnel.RabbitMQ;

/// <summary>Makes the layer on RabbitMQ: <c>amqp://host:5672/vhost</c>, <c>amqps://…</c>; see <see cref="RabbitMQOptions.Host"/>.</summary>
public sealed class RabbitMQLayerFactory : ILayerFactory
{
    private readonly Action<RabbitMQOptions>? _configure;
    private readonly RabbitMQConnections? _connections;

    /// <summary>Creates a factory of layers with the default options.</summary>
    public RabbitMQLayerFactory()
    {
    }

    /// <summary>Creates a factory of layers with options of the application's; the address is given when a layer is made.</summary>
    /// <param name="configure">Sets the options.</param>
    /// <param name="connections">Hands out the connection of the layer that was made last.</param>
    public RabbitMQLayerFactory(Action<RabbitMQOptions>? configure, RabbitMQConnections? connections = null) => (_configure, _connections) = (configure, connections);

    /// <inheritdoc/>
    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(loggers);
        var options = new RabbitMQOptions();
        _configure?.Invoke(options);
        options.Host = address;
        var broker = new RabbitMQBroker(options, timeProvider, loggers.CreateLogger<RabbitMQBroker>());
        _connections?.Made(broker);
        var backplane = new RabbitMQBackplane(broker);
        var channels = options.Wire == RabbitMQWire.Django ? new DjangoChannels(broker, backplane) : null;
        var queue = new RabbitMQWorkQueue(broker);
        return new Layer { Backplane = backplane, WorkQueue = queue, Operator = queue, DirectChannels = channels, Owned = broker, Open = broker.OpenAsync, Identity = broker.GetIdentityAsync };
    }
}
