namespace Runnel.Sqlite.Files;

/// <summary>Times as the tables hold them.</summary>
internal static class Ticks
{
    /// <summary>A time so much later, or the end of time.</summary>
    public static long Later(long time, TimeSpan by) => by.Ticks >= DateTimeOffset.MaxValue.Ticks - time ? DateTimeOffset.MaxValue.Ticks : time + by.Ticks;
}
