namespace Runnel.Sqlite.Files;

/// <summary>A short wait of the writer's own thread for another process, which announces nothing and which no test's clock moves.</summary>
internal static class Pause
{
    private static readonly object Never = new();

    public static void For(TimeSpan time)
    {
        lock (Never)
            Monitor.Wait(Never, time);
    }
}
