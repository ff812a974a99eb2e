namespace Runnel.Layers;

/// <summary>Keeps messages on channels until they are handled: at least once, by one worker each.</summary>
/// <remarks>
/// <para>
/// A message is gone only when its worker has completed it. Messages are held under the lease of the <em>worker</em>, not of the message: a
/// handler may run for hours, and a worker that died is noticed within the lease, whereupon what it held is handed out again. The queue counts that
/// (<see cref="Envelope.Crashes"/>) and never gives a message up: whoever receives it decides (<see cref="HandlingRule"/>).
/// </para>
/// <para>
/// Queues are named by <see cref="ChannelName.QueueName"/>. Messages without a key are handed out in the order stored, but are handled
/// in parallel; messages of one key one after another, also across retries. Thread-safe.
/// </para>
/// <example>
/// <code>
/// await queue.EnqueueAsync("thumbnails", [envelope], EnqueueOptions.Default);
///
/// await using var receiver = await queue.OpenReceiverAsync(new ReceiverOptions());
/// foreach (var message in await receiver.ReceiveAsync("thumbnails", max: 10))
///     await receiver.CompleteAsync(message);
/// </code>
/// </example>
/// </remarks>
public interface IWorkQueue
{
    /// <summary>What the queue can do beyond the basics. What it lacks it refuses with <see cref="NotSupportedException"/>.</summary>
    WorkQueueFeatures Features { get; }

    /// <summary>
    /// How long a message with a key may stay away when it is given back. A queue whose workers hold such a message meanwhile may not hold it for ever; a channel that is declared ordered,
    /// and whose retries may take longer, is refused when the application starts.
    /// </summary>
    /// <value>No limit by default.</value>
    TimeSpan LongestKeyedDelay => TimeSpan.MaxValue;

    /// <summary>Stores messages; when the task ends they are as safe as this layer makes anything. All of them or none.</summary>
    /// <remarks>A layer copies the messages before the call returns its task, so that the caller may use the memory of their bodies again as soon as it has the task.</remarks>
    /// <param name="channel">The channel; every envelope's <see cref="Envelope.Id"/> must be set.</param>
    /// <param name="envelopes">The messages, in their order.</param>
    /// <param name="options">Capacity, and how long to wait for room.</param>
    /// <param name="cancellationToken">Ends the wait. Cancelled does not mean not stored. On a queue with <see cref="WorkQueueFeatures.Deduplicate"/>, a deduplication id makes sending again safe.</param>
    /// <returns>
    /// How many were stored. The others were refused as duplicates: their <see cref="Envelope.DeduplicationId"/> had been used within its window.
    /// </returns>
    /// <exception cref="ChannelFullException">The channel has no room for all of them and got none within <see cref="EnqueueOptions.WaitForRoom"/>.</exception>
    /// <exception cref="IOException">The layer's server is away, or refuses. If it went away in the middle, they may have been stored.</exception>
    ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads the layer's clock: <see cref="Envelope.Delay"/> and <see cref="Envelope.TimeToLive"/> are counted by it, <see cref="Envelope.NotBefore"/> and
    /// <see cref="Envelope.ExpiresAt"/> are compared with it. It may differ from the clock of this machine.
    /// </summary>
    /// <exception cref="IOException">The layer's server is away.</exception>
    ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default);

    /// <summary>Takes back a message that no worker has taken yet (scheduled, queued, waiting behind its key, or waiting for a retry).</summary>
    /// <returns>Whether it was there and is gone now. <see langword="false"/>: a worker has it, it is finished, or it never was.</returns>
    ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default);

    /// <summary>Registers a worker: a new incarnation with a name of its own, under which messages are received.</summary>
    ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default);
}
