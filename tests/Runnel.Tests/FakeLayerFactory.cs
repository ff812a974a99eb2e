using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.Tests;

/// <summary>Makes in-memory layers, whatever the address, and remembers what it was asked for.</summary>
internal sealed class FakeLayerFactory : ILayerFactory
{
    public List<string> Addresses { get; } = [];

    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        Addresses.Add(address);
        return new Layer(new InMemoryBackplane(timeProvider), new InMemoryWorkQueue(timeProvider));
    }
}
