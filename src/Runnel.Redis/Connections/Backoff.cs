namespace Runnel.Redis.Connections;

/// <summary>How long to rest between two tries: longer each time, and by chance, so that many processes do not come back at once.</summary>
internal struct Backoff
{
    private const double FirstMilliseconds = 20, LongestMilliseconds = 1000;

    private double _limit;

    public TimeSpan Next()
    {
        _limit = Math.Min(Math.Max(_limit * 2, FirstMilliseconds), LongestMilliseconds);
        return TimeSpan.FromMilliseconds(_limit * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    public void Reset() => _limit = 0;
}
