namespace Runnel.Workers;

/// <summary>When something recurs. All nodes compute the same ticks from the clock alone.</summary>
internal interface ISchedule
{
    /// <summary>The first tick after a time; <see langword="null"/> when there is none any more.</summary>
    DateTimeOffset? NextAfter(DateTimeOffset time);
}
