namespace Runnel.RabbitMQ.Sending;

/// <summary>How much room a channel has, as far as this process can tell: it looks at the queues, and counts what it sends until it looks again.</summary>
/// <remarks>
/// Far from the limit it looks once in a second, near it each time. Several processes that send may each use a quarter of what was free: the limit is soft between them, and exact
/// for one alone. Not thread-safe.
/// </remarks>
internal sealed class ChannelRoom(TimeProvider timeProvider, Func<Task<long>> countAsync)
{
    private const int Share = 4;
    private static readonly TimeSpan LooksEvery = TimeSpan.FromSeconds(1);

    private long _lookedAt;
    private long _stored;
    private long _sent;
    private bool _hasLooked;

    /// <summary>Takes room for some messages without asking anybody.</summary>
    public bool TryTake(int count, int capacity)
    {
        if (!_hasLooked || _sent + count > (capacity - _stored) / Share || timeProvider.GetElapsedTime(_lookedAt) > LooksEvery)
            return false;
        _sent += count;
        return true;
    }

    /// <summary>Looks how much room there is, and takes it for some messages if it is enough.</summary>
    /// <param name="count">For how many.</param>
    /// <param name="capacity">How many messages the channel holds at most.</param>
    /// <param name="unconfirmed">Those that are on their way: the queues may have them or not.</param>
    public async Task<bool> TryTakeAsync(int count, int capacity, int unconfirmed)
    {
        _stored = await countAsync().ConfigureAwait(false) + unconfirmed;
        (_sent, _lookedAt, _hasLooked) = (0, timeProvider.GetTimestamp(), true);
        if (_stored + count > capacity)
            return false;
        _sent = count;
        return true;
    }
}
