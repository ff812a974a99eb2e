using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;

namespace Runnel.Tests.RabbitMQ;

/// <summary>A place of a test's own in a RabbitMQ: a virtual host, and the brokers that were opened there, one for each process.</summary>
internal sealed class RabbitPlace(RabbitVirtualHost host, TimeProvider? timeProvider = null) : IAsyncDisposable
{
    private readonly List<RabbitMQBroker> _brokers = [];

    public RabbitVirtualHost Host => host;

    public static async Task<RabbitPlace> CreateAsync(SharedRabbitServer server, TimeProvider? timeProvider = null) => new(await server.CreateHostAsync(), timeProvider);

    public RabbitMQBroker Open(Action<RabbitMQOptions>? configure = null, RecordedLog? log = null)
    {
        var options = new RabbitMQOptions { Host = host.Address };
        configure?.Invoke(options);
        using var loggers = new LoggerFactory(log is null ? [] : [log]);
        var broker = new RabbitMQBroker(options, timeProvider ?? TimeProvider.System, loggers.CreateLogger<RabbitMQBroker>());
        _brokers.Add(broker);
        return broker;
    }

    /// <summary>Opens a backplane, connected.</summary>
    public async Task<RabbitMQBackplane> OpenBackplaneAsync(Action<RabbitMQOptions>? configure = null, RecordedLog? log = null)
    {
        var broker = Open(configure, log);
        var backplane = new RabbitMQBackplane(broker);
        await broker.OpenAsync();
        return backplane;
    }

    /// <summary>Opens a backplane on one of the wires, which carries whatever a suite publishes, and has room for it.</summary>
    public async Task<IBackplane> OpenBackplaneAsync(RabbitMQWire wire, Action<RabbitMQOptions>? configure = null)
    {
        if (wire == RabbitMQWire.Runnel)
            return await OpenBackplaneAsync(configure);
        return new FramedBackplane(await OpenBackplaneAsync(options =>
        {
            configure?.Invoke(options);
            options.Host += "?wire=django";
            (options.LocalCapacity, options.RemoteCapacity) = (10_000, 10_000);
        }));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var broker in _brokers)
            await broker.DisposeAsync();
        await host.DisposeAsync();
    }
}
