namespace Runnel.InMemory.Stored;

/// <summary>Times in ticks.</summary>
internal static class Ticks
{
    /// <summary>The time of nothing: later than all others.</summary>
    public const long Never = long.MaxValue;

    /// <summary>A time so much later, or the end of time.</summary>
    public static long Later(long time, TimeSpan by) => by.Ticks >= Never - time ? Never : time + by.Ticks;
}
