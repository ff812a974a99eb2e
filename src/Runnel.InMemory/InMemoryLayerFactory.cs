using Microsoft.Extensions.Logging;
using Runnel.Layers;

[assembly: LayerScheme("memory", typeof(Runnel.InMemory.InMemoryLayerFactory))]

namespace Runnel.InMemory;

/// <summary>Makes the layer of one process: <c>memory:</c>.</summary>
public sealed class InMemoryLayerFactory : ILayerFactory
{
    /// <inheritdoc/>
    /// <exception cref="FormatException">The address has more than its name: this layer has no place and no options.</exception>
    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(loggers);
        if (!address.EndsWith(':'))
            throw new FormatException($"'{address}' is not the address of the in-memory layer: write memory: with nothing behind the colon.");
        var (queue, identity) = (new InMemoryWorkQueue(timeProvider), $"memory/{Guid.NewGuid():N}");
        return new() { Backplane = new InMemoryBackplane(timeProvider, loggers.CreateLogger<InMemoryBackplane>()), WorkQueue = queue, Operator = queue, Identity = _ => Task.FromResult(identity) };
    }
}
