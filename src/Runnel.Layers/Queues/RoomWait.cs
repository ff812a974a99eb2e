namespace Runnel.Layers;

/// <summary>Waits for room on a full channel. For authors of layers that keep a line of senders in memory.</summary>
public static class RoomWait
{
    // Timers take no more than 49 days.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(40);

    /// <summary>Waits until messages in the line are stored, for as long as <see cref="EnqueueOptions.WaitForRoom"/> says.</summary>
    /// <param name="stored">Ends when the messages are stored, with how many were new.</param>
    /// <param name="withdraw">
    /// Takes the messages out of the line, and answers whether they were still there. If not, they have got room at the last moment, and what
    /// <paramref name="stored"/> says counts.
    /// </param>
    /// <param name="channel">The channel.</param>
    /// <param name="options">The options of the call.</param>
    /// <param name="timeProvider">The clock that the wait goes by.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many messages were new.</returns>
    /// <exception cref="ChannelFullException">There was no room in time.</exception>
    public static async ValueTask<int> ForAsync(
        Task<int> stored, Func<ValueTask<bool>> withdraw, ChannelName channel, EnqueueOptions options, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stored);
        ArgumentNullException.ThrowIfNull(withdraw);
        ArgumentNullException.ThrowIfNull(options);
        var limit = options.WaitForRoom < LongestTimer ? options.WaitForRoom : Timeout.InfiniteTimeSpan;
        try
        {
            return await stored.WaitAsync(limit, timeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            if (!await withdraw().ConfigureAwait(false))
                return await stored.ConfigureAwait(false);
            if (exception is TimeoutException)
                throw new ChannelFullException(channel.QueueName, options.Capacity);
            throw;
        }
    }
}
