namespace Runnel.Workers.Recurring;

/// <summary>Every so often, counted from 1970-01-01T00:00:00Z: so every node has the same ticks.</summary>
internal sealed class IntervalSchedule : ISchedule
{
    private readonly TimeSpan _every;

    public IntervalSchedule(TimeSpan every)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(every, TimeSpan.FromMilliseconds(100));
        _every = every;
    }

    public DateTimeOffset? NextAfter(DateTimeOffset time)
    {
        var since = time - DateTimeOffset.UnixEpoch;
        return DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(((since.Ticks / _every.Ticks) + 1) * _every.Ticks);
    }
}
