using Microsoft.Extensions.Logging;
using Runnel.Layers;

[assembly: LayerScheme("redis", typeof(Runnel.Redis.RedisLayerFactory))]
[assembly: LayerScheme("rediss", typeof(Runnel.Redis.RedisLayerFactory))]

namespace Runnel.Redis;

/// <summary>Makes the layer on Redis: <c>redis://host:6379</c>, <c>rediss://…</c>, <c>redis:///path/to/redis.sock</c>; see <see cref="RedisOptions.Address"/>.</summary>
public sealed class RedisLayerFactory : ILayerFactory
{
    private readonly Action<RedisOptions>? _configure;

    /// <summary>Creates a factory of layers with the default options.</summary>
    public RedisLayerFactory()
    {
    }

    /// <summary>Creates a factory of layers with options of the application's; the address is given when a layer is made.</summary>
    public RedisLayerFactory(Action<RedisOptions>? configure) => _configure = configure;

    /// <inheritdoc/>
    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(loggers);
        var options = new RedisOptions();
        _configure?.Invoke(options);
        options.Address = address;
        var store = new RedisStore(options, timeProvider, loggers.CreateLogger<RedisStore>());
        var queue = new RedisWorkQueue(store);
        return new Layer { Backplane = new RedisBackplane(store), WorkQueue = queue, Operator = queue, Owned = store, Open = store.OpenAsync, Identity = store.GetIdentityAsync };
    }
}
