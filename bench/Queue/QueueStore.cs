using Runnel.Layers;

namespace Runnel.Bench;

/// <summary>Gives every measurement a store of its own, and leaves nothing behind.</summary>
internal abstract class QueueStore : IAsyncDisposable
{
    /// <summary><c>memory</c>, <c>sqlite</c> or <c>redis</c>.</summary>
    public abstract string Scheme { get; }

    /// <summary>What the store's promises stand on, for the report.</summary>
    public abstract string Durability { get; }

    public abstract QueueSizes Sizes { get; }

    /// <summary>Opens what a layer's address names.</summary>
    /// <param name="layer">The address.</param>
    /// <param name="appendFsync">When a Redis of the run's own has the disk confirm.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<QueueStore> OpenAsync(string layer, string appendFsync, CancellationToken cancellationToken) => SchemeOf(layer) switch
    {
        "memory" => new MemoryQueueStore(),
        "sqlite" => new SqliteQueueStore(layer),
        "redis" => new RedisQueueStore(await BenchRedis.OpenAsync(layer, appendFsync, cancellationToken)),
        var scheme => throw new BenchException($"This runs on memory:, sqlite:PATH and redis:, not on {scheme}:."),
    };

    /// <summary>The address of an empty store. What was in the one before is of no use any more.</summary>
    public abstract Task<string> NewAddressAsync(CancellationToken cancellationToken);

    /// <summary>The bare loop on an empty store.</summary>
    public abstract Task<IBareStore> NewBareAsync(CancellationToken cancellationToken);

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
