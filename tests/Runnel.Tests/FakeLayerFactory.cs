using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.Tests;

/// <summary>Makes in-memory layers, whatever the address, and remembers what it was asked for.</summary>
internal sealed class FakeLayerFactory : ILayerFactory
{
    public List<string> Addresses { get; } = [];

    /// <summary>What opening a layer does.</summary>
    public Func<InMemoryBackplane, Task> Open { get; init; } = static _ => Task.CompletedTask;

    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        Addresses.Add(address);
        var backplane = new InMemoryBackplane(timeProvider);
        return new Layer(backplane, new InMemoryWorkQueue(timeProvider), owned: null, _ => Open(backplane));
    }
}
