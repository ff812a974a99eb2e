using Runnel.ChannelLayers;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.ChannelLayers;

/// <summary>A memory that several channel layers share, as the processes of an application share a server.</summary>
internal sealed class SharedMemory
{
    public SharedMemory() => (Backplane, Queue) = (new(Clock), new(Clock));

    /// <summary>The memory's clock.</summary>
    public ManualTimeProvider Clock { get; } = new();

    public InMemoryBackplane Backplane { get; }

    public InMemoryWorkQueue Queue { get; }

    /// <summary>Opens the layer of one process.</summary>
    /// <param name="clock">Its clock, if it is not that of the memory.</param>
    /// <param name="queue">What it takes for the queue, if something stands between.</param>
    /// <param name="options">Its options.</param>
    public ChannelLayer Open(TimeProvider? clock = null, IWorkQueue? queue = null, ChannelLayerOptions? options = null) =>
        new(Backplane, queue ?? Queue, Queue, options ?? new(), clock ?? Clock);
}
