using Microsoft.Extensions.Logging;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>Deletes what its time has ended: asleep until the next such time, so that a file at rest is not written to.</summary>
internal sealed class Sweeper(StoreTransaction transaction, ILogger logger)
{
    private const int MostAtOnce = 500;

    // Things end one by one; to delete each in a transaction of its own would write all the time.
    private static readonly long Pause = TimeSpan.TicksPerSecond;

    private long _lastSwept;
    private int _most = MostAtOnce;

    /// <summary>When there is something to sweep.</summary>
    public long Next { get; private set; }

    /// <summary>Something was stored that ends at a time.</summary>
    public void Plan(long time) => Next = Math.Min(Next, Math.Max(time, _lastSwept + Pause));

    /// <summary>Others have stored something.</summary>
    public void Look() => Next = Math.Max(FindNext(), _lastSwept + Pause);

    public void Sweep()
    {
        var now = _lastSwept = transaction.Now;
        var most = _most = Math.Min(MostAtOnce, _most * 2);
        var expired = transaction.Messages.RemoveExpired(most);
        var dead = transaction.DeadLetters.RemoveAged(most);
        var published = transaction.Publications.Forget(most);
        transaction.Deduplication.Forget(now);
        if (expired > 0)
            Log.Expired(logger, expired);
        if (dead > 0)
            Log.DeadLettersAged(logger, dead);

        var hasMore = expired == most || dead == most || published == most;
        Next = hasMore ? now : Math.Max(FindNext(), now + Pause);
    }

    /// <summary>A disk that is nearly full takes less at once.</summary>
    public void SweepLess() => _most = Math.Max(1, _most / 4);

    private long FindNext()
    {
        var next = long.MaxValue;
        foreach (var time in (ReadOnlySpan<long?>)[transaction.Messages.NextExpiry, transaction.DeadLetters.NextEnd, transaction.Publications.NextEnd, transaction.Deduplication.NextEnd])
            next = Math.Min(next, time ?? long.MaxValue);
        return next;
    }
}
