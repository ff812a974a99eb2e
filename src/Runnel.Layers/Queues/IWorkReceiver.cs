namespace Runnel.Layers;

/// <summary>Receives messages and settles them, under one worker's lease. The layer renews the lease from a thread of its own for as long as the process lives.</summary>
/// <remarks>
/// Settling is fenced: once the lease is lost (the process was stopped for longer than the lease, say), its messages belong to others, and a
/// settling call answers <see langword="false"/> and changes nothing. A layer that hands on channel by channel may not have handed on all of them yet: those
/// that it has not are still this worker's to settle, and are given back by disposing, without a crash. A claim settles once: when the same worker is handed the message again,
/// that is another claim, which the first one cannot settle. Disposing hands back at once what is not settled, counting neither an
/// attempt nor a crash. A message of another layer's queue is refused with an <see cref="ArgumentException"/>. Thread-safe.
/// </remarks>
public interface IWorkReceiver : IAsyncDisposable
{
    /// <summary>The worker's name: unique over all incarnations.</summary>
    string WorkerId { get; }

    /// <summary>
    /// Whether its messages are this worker's still, as far as can be told without asking: look before a handler begins. A process that was stopped for longer
    /// than the lease goes on with what it holds before anybody can tell it that it is lost. <see langword="false"/> may turn out to have been too careful.
    /// </summary>
    bool IsHeld { get; }

    /// <summary>Cancelled when the lease is lost: stop the handlers, open a new receiver. A receive that waits may say so a moment before.</summary>
    CancellationToken Lost { get; }

    /// <summary>Waits until the channel has messages that are due, and takes up to <paramref name="max"/> of them.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="max">The most messages to take; at least 1.</param>
    /// <param name="cancellationToken">Ends the wait; what was taken is never lost by it.</param>
    /// <returns>At least one message, in the order stored.</returns>
    /// <exception cref="LeaseLostException">The lease is lost.</exception>
    /// <exception cref="ObjectDisposedException">The receiver was disposed, before or during the wait.</exception>
    ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default);

    /// <summary>The message is handled: forget it.</summary>
    /// <returns>Whether it was still this worker's.</returns>
    ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default);

    /// <summary>Gives the message back, to be handed out again.</summary>
    /// <returns>Whether it was still this worker's.</returns>
    ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default);

    /// <summary>
    /// Puts the message aside as a dead letter, with the reason. The attempt that ends so is counted (<see cref="Envelope.Attempt"/> goes up by one), unless
    /// the message was not tried because workers had died with it (<see cref="DeadLetterReason.WorkerDied"/>).
    /// </summary>
    /// <returns>Whether it was still this worker's.</returns>
    ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default);
}
