namespace Runnel.RabbitMQ.Connections;

/// <summary>A warning that is given at most every 5 seconds, and then says how often there was reason for it.</summary>
/// <param name="timeProvider">The clock.</param>
internal sealed class RareWarning(TimeProvider timeProvider)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private long? _said;
    private long _count;

    /// <summary>There is reason to warn once more, or more than once.</summary>
    /// <param name="count">How often there was since the last warning, this time included.</param>
    /// <param name="more">How often there is now.</param>
    /// <returns>Whether to warn now.</returns>
    public bool IsDue(out long count, long more = 1)
    {
        lock (_lock)
        {
            count = _count += more;
            if (_said is { } said && timeProvider.GetElapsedTime(said) < Every)
                return false;
            (_said, _count) = (timeProvider.GetTimestamp(), 0);
            return true;
        }
    }
}
