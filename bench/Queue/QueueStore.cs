using Runnel.Layers;

namespace Runnel.Bench;

/// <summary>Gives every measurement a store of its own, and leaves nothing behind.</summary>
internal abstract class QueueStore : IAsyncDisposable
{
    /// <summary><c>memory</c>, <c>sqlite</c>, <c>redis</c> or <c>amqp</c>.</summary>
    public abstract string Scheme { get; }

    /// <summary>What the store's promises stand on, for the report.</summary>
    public abstract string Durability { get; }

    /// <summary>What lies between two nodes, for the report.</summary>
    public virtual string BetweenNodes => Durability;

    public abstract QueueSizes Sizes { get; }

    /// <summary>The name of the server; empty if there is none.</summary>
    public virtual string Server => "";

    /// <summary>The name of the library that does the same on this store; empty if there is none.</summary>
    public virtual string Peer => "";

    /// <summary>Opens what a layer's address names.</summary>
    /// <param name="layer">The address.</param>
    /// <param name="appendFsync">When a Redis of the run's own has the disk confirm.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<QueueStore> OpenAsync(string layer, string appendFsync, CancellationToken cancellationToken) => SchemeOf(layer) switch
    {
        "memory" => new MemoryQueueStore(),
        "sqlite" => new SqliteQueueStore(layer),
        "redis" => new RedisQueueStore(await BenchRedis.OpenAsync(layer, appendFsync, cancellationToken)),
        "amqp" or "amqps" => new RabbitQueueStore(await BenchRabbit.OpenAsync(layer, cancellationToken)),
        var scheme => throw new BenchException($"This runs on memory:, sqlite:PATH, redis: and amqp:, not on {scheme}:."),
    };

    /// <summary>The address of an empty store. What was in the one before is of no use any more.</summary>
    public abstract Task<string> NewAddressAsync(CancellationToken cancellationToken);

    /// <summary>The bare loop on an empty store.</summary>
    public abstract Task<IBareStore> NewBareAsync(CancellationToken cancellationToken);

    /// <summary>Starts the library that does the same on this store.</summary>
    /// <exception cref="BenchException">It cannot run here; why not is the message.</exception>
    public virtual Task<IQueuePeer> StartPeerAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("There is no peer on this store.");

    /// <summary>The CPU time that the server has used so far; zero if that is not known.</summary>
    public virtual Task<TimeSpan> ServerCpuTimeAsync(CancellationToken cancellationToken) => Task.FromResult(TimeSpan.Zero);

    public abstract ValueTask DisposeAsync();

    /// <summary>The part before the colon, of a layer that is there.</summary>
    public static string SchemeOf(string layer)
    {
        try
        {
            _ = LayerAddress.FactoryOf(layer);
            return LayerAddress.SchemeOf(layer);
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException)
        {
            throw new BenchException(exception.Message);
        }
    }
}
