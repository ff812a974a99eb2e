namespace Runnel.Bench;

/// <summary>The least that could be done on the same store with the same durability: no names, no retries, no leases, no order.</summary>
internal interface IBareStore : IDisposable
{
    /// <summary>Stores one message per call.</summary>
    Task EnqueueAsync(int callers, int messages);

    /// <summary>Stores a hundred at a time.</summary>
    Task EnqueueBulkAsync(int messages);

    /// <summary>Takes out all messages, as many at a time as is good for the store.</summary>
    Task ProcessAsync(int messages);
}
