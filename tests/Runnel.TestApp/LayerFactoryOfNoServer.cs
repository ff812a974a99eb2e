using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.TestApp;

/// <summary>Makes layers whose server is away.</summary>
internal sealed class LayerFactoryOfNoServer : ILayerFactory
{
    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        var queue = new InMemoryWorkQueue(timeProvider);
        return new Layer
        {
            Backplane = new InMemoryBackplane(timeProvider),
            WorkQueue = queue,
            Operator = queue,
            Open = _ => Task.FromException(new IOException($"Nothing answers at '{address}': start the server, or give --layer another address.")),
            Identity = _ => Task.FromResult(address),
        };
    }
}
