namespace Runnel.Workers.Recurring;

/// <summary>When something recurs. All nodes compute the same ticks from the clock alone.</summary>
internal interface ISchedule
{
    /// <summary>The first tick after a time; <see langword="null"/> when there is none any more.</summary>
    DateTimeOffset? NextAfter(DateTimeOffset time);

    /// <summary>The last tick until a time, however many there were before it.</summary>
    /// <param name="time">Until when, inclusively.</param>
    /// <param name="tick">A tick that is not later.</param>
    DateTimeOffset LatestUntil(DateTimeOffset time, DateTimeOffset tick)
    {
        // Back from the end in steps that double, not forward tick by tick: a clock may have been set forward by years.
        for (var back = TimeSpan.FromMilliseconds(100); time - tick > back; back *= 2)
        {
            if (NextAfter(time - back) is { } late && late <= time)
            {
                tick = late;
                break;
            }
        }
        while (NextAfter(tick) is { } next && next <= time)
            tick = next;
        return tick;
    }
}
