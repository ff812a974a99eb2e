namespace Runnel.Layers;

/// <summary>Which layer carries messages, which keeps work, and which remembers.</summary>
public sealed class LayerOptions
{
    /// <summary>The layer's address, unless configuration says otherwise (<c>Runnel:Layer</c>, or <c>--layer</c> on the command line).</summary>
    /// <value><c>memory:</c> by default.</value>
    public string Address { get; set; } = "memory:";

    /// <summary>The address of the layer for work, unless configuration says otherwise (<c>Runnel:QueueLayer</c>, or <c>--queue-layer</c> on the command line).</summary>
    /// <value><see langword="null"/> by default: the layer of <see cref="Address"/> keeps the work, too.</value>
    public string? QueueAddress { get; set; }

    /// <summary>The address of the layer that remembers, unless configuration says otherwise (<c>Runnel:StateLayer</c>, or <c>--state-layer</c> on the command line).</summary>
    /// <remarks>It keeps the states of jobs, the last ticks of recurring messages, and deduplication ids that the layer for work cannot keep.</remarks>
    /// <value><see langword="null"/> by default: the layer of <see cref="Address"/> remembers, too, or that of <see cref="QueueAddress"/> if only that one can.</value>
    public string? StateAddress { get; set; }

    /// <summary>What makes the layers that code has configured, by the scheme of their addresses, such as <c>redis</c>.</summary>
    /// <remarks>So configuration may name another server, and what code says of its kind of layer holds.</remarks>
    /// <value>None by default: a layer that is not here is made by its package's own factory (<see cref="LayerAddress.FactoryOf"/>).</value>
    public IDictionary<string, ILayerFactory> Factories { get; } = new Dictionary<string, ILayerFactory>(StringComparer.OrdinalIgnoreCase);
}
