using Runnel.Layers;

namespace Runnel.Specification;

/// <summary>The promises of <see cref="IWorkQueue"/>, its leases and its operator, on any layer (design.md 6, work-queues.md 4.0).</summary>
public abstract partial class WorkQueueSpecification : WorkQueueProcessesSpecification
{
    /// <inheritdoc/>
    protected override int ManyMessages => 10_000;
}
