namespace Runnel.Bench;

/// <summary>Another library for the same work on the same server.</summary>
internal interface IQueuePeer : IAsyncDisposable
{
    /// <summary>What runs on what, for the report.</summary>
    string Description { get; }

    /// <summary>Fewer messages than the product's, so that a round takes no longer for the peer than for the rest.</summary>
    QueueSizes Sizes { get; }

    /// <summary>Stores one message per call.</summary>
    Task<Cost> EnqueueAsync(int callers, int messages, CancellationToken cancellationToken);

    /// <summary>Stores a hundred messages per call, by a few callers.</summary>
    Task<Cost> EnqueueBulkAsync(int messages, CancellationToken cancellationToken);

    /// <summary>Handles what is there, until the last message is settled.</summary>
    Task<Cost> ProcessAsync(int messages, CancellationToken cancellationToken);

    /// <summary>From the call that sends a message to its handler, one message a millisecond.</summary>
    Task<Lateness> StartAsync(int messages, CancellationToken cancellationToken);
}
