using Runnel.Layers;

namespace Runnel.Specification;

/// <summary>The work queue of one process, and the wire to its server.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Silence">Lets nothing through any more, while connections look as if they were there.</param>
public sealed record WiredQueue(IWorkQueue Queue, Action Silence);
