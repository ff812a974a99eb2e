using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.Tests;

/// <summary>Makes in-memory layers, whatever the address, and remembers what it was asked for.</summary>
internal sealed class FakeLayerFactory : ILayerFactory
{
    public List<string> Addresses { get; } = [];

    public List<InMemoryBackplane> Backplanes { get; } = [];

    /// <summary>What opening a layer does.</summary>
    public Func<InMemoryBackplane, Task> Open { get; init; } = static _ => Task.CompletedTask;

    /// <summary>What making a layer does.</summary>
    public Action Make { get; init; } = static () => { };

    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        Make();
        Addresses.Add(address);
        var backplane = new InMemoryBackplane(timeProvider);
        Backplanes.Add(backplane);
        var queue = new InMemoryWorkQueue(timeProvider);
        return new Layer { Backplane = backplane, WorkQueue = queue, Operator = queue, Open = _ => Open(backplane), Identity = _ => Task.FromResult(address) };
    }
}
