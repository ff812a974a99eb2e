using System.Collections.Concurrent;

namespace Runnel.Frames;

/// <summary>Queues that have to be drained, in portions for the thread pool: one work item per client would cost more than the writing.</summary>
internal sealed class DrainBatch : IThreadPoolWorkItem
{
    private const int Size = 64;
    private const int MaxSpare = 256;
    private static readonly ConcurrentQueue<DrainBatch> Spare = new();

    private readonly OutboundQueue[] _queues = new OutboundQueue[Size];
    private int _count;

    private DrainBatch()
    {
    }

    /// <summary>Adds a queue to a batch; a full one is scheduled and a new one begun.</summary>
    /// <returns>The batch to go on with.</returns>
    public static DrainBatch Add(DrainBatch? batch, OutboundQueue queue)
    {
        if (batch is { _count: Size })
        {
            batch.Schedule();
            batch = null;
        }
        batch ??= Spare.TryDequeue(out var spare) ? spare : new DrainBatch();
        batch._queues[batch._count++] = queue;
        return batch;
    }

    public void Schedule() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    void IThreadPoolWorkItem.Execute()
    {
        foreach (var queue in _queues.AsSpan(0, _count))
            queue.Drain();
        Array.Clear(_queues, 0, _count);
        _count = 0;
        if (Spare.Count < MaxSpare)
            Spare.Enqueue(this);
    }
}
