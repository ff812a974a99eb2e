namespace Runnel.Layers;

/// <summary>What an operator does with the channels of a layer: looks, and deals with dead letters. Never in the way of a message.</summary>
public interface IWorkQueueOperator
{
    /// <summary>Lists the channels that hold anything, by name.</summary>
    ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default);

    /// <summary>Lists dead letters of a channel, oldest first.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="filter">Which.</param>
    /// <param name="limit">The most to return; at least 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default);

    /// <summary>Puts dead letters back on their channel, at its end, with their counters at zero; capacity does not refuse them.</summary>
    /// <remarks>
    /// Replayed messages no longer expire (<see cref="Envelope.ExpiresAt"/> is cleared): a dead letter is often replayed long after its time, and whoever
    /// replays it wants it to be handled.
    /// </remarks>
    /// <returns>How many.</returns>
    ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default);

    /// <summary>Deletes dead letters for good.</summary>
    /// <returns>How many.</returns>
    ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default);

    /// <summary>Deletes every message of every channel, dead letters included; what workers hold is lost to them. For tests.</summary>
    /// <remarks>A message that is sent meanwhile may be deleted, too. One that is sent afterwards is not.</remarks>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);
}
