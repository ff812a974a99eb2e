using Runnel.Layers;

namespace Runnel.Specification;

/// <summary>The work queue of one process, and its operator.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Operator">The same queue's operator.</param>
public sealed record OpenedQueue(IWorkQueue Queue, IWorkQueueOperator Operator);
