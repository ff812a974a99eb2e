namespace Runnel.Frames;

/// <summary>What waits for the consumers of one socket, and for its client behind them: all streams of the socket share one bound (<see cref="RunnelOptions.MaxWaitingEventBytes"/>).</summary>
/// <remarks>Thread-safe, and without a lock: each message takes its room here under the lock of whatever keeps it.</remarks>
/// <param name="max">The most bytes.</param>
internal sealed class WaitingBytes(int max)
{
    private long _bytes;

    /// <summary>The most bytes.</summary>
    public int Max => max;

    /// <summary>How many bytes wait.</summary>
    public long Value => Volatile.Read(ref _bytes);

    /// <summary>Takes room for a message. One may always wait, however large.</summary>
    /// <returns><see langword="false"/> if there is no room.</returns>
    public bool TryTake(GroupMessage message)
    {
        for (var before = Value; before == 0 || before + message.Cost <= max;)
        {
            var seen = Interlocked.CompareExchange(ref _bytes, before + message.Cost, before);
            if (seen == before)
                return true;
            before = seen;
        }
        return false;
    }

    /// <summary>The message waits no more.</summary>
    public void GiveBack(GroupMessage message) => Interlocked.Add(ref _bytes, -message.Cost);
}
