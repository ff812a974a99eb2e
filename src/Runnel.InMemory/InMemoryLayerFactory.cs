using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.InMemory;

/// <summary>Makes the layer of one process: <c>memory:</c>.</summary>
public sealed class InMemoryLayerFactory : ILayerFactory
{
    /// <inheritdoc/>
    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers) =>
        new(new InMemoryBackplane(timeProvider), new InMemoryWorkQueue(timeProvider));
}
