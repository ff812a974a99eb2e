using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;

[assembly: LayerScheme("toy", typeof(Runnel.Tests.Toy.ToyLayerFactory))]

namespace Runnel.Tests.Toy;

/// <summary>Makes the layer that can do less than ours: what somebody else's layer may be like.</summary>
public sealed class ToyLayerFactory : ILayerFactory
{
    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        var queue = new ToyWorkQueue(new InMemoryWorkQueue(timeProvider));
        return new Layer { Backplane = new ToyBackplane(new InMemoryBackplane(timeProvider)), WorkQueue = queue, Operator = queue, Identity = _ => Task.FromResult(address) };
    }
}
