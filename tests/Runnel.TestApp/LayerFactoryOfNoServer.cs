using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.TestApp;

/// <summary>Makes layers whose server is away.</summary>
internal sealed class LayerFactoryOfNoServer : ILayerFactory
{
    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers) => new(
        new InMemoryBackplane(timeProvider),
        new InMemoryWorkQueue(timeProvider),
        owned: null,
        _ => Task.FromException(new IOException($"Nothing answers at '{address}': start the server, or give --layer another address.")));
}
