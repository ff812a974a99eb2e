namespace Runnel.Bench;

/// <summary>A loop on the same store with the same durability, without the product around it.</summary>
internal interface IBareStore : IAsyncDisposable
{
    /// <summary>Stores one message per call.</summary>
    Task EnqueueAsync(int callers, int messages);

    /// <summary>Stores a hundred at a time.</summary>
    Task EnqueueBulkAsync(int messages);

    /// <summary>Takes out all messages, as many at a time as is good for the store.</summary>
    Task ProcessAsync(int messages);
}
