namespace Runnel.Bench;

/// <summary>What a server process holds once it has come to rest.</summary>
internal sealed record MemoryFigures(long ResidentBytes, long HeapBytes)
{
    private const int CalmGlances = 4;
    private const int MostGlances = 60;
    private const long Calm = 512 * 1024;
    private static readonly TimeSpan BetweenGlances = TimeSpan.FromMilliseconds(250);

    /// <summary>Collects until resident memory has stood still for a second, at most fifteen.</summary>
    public static async Task<MemoryFigures> SettleAsync()
    {
        var last = Take();
        for (int glance = 0, calm = 0; glance < MostGlances && calm < CalmGlances; glance++)
        {
            await Task.Delay(BetweenGlances, TimeProvider.System, CancellationToken.None);
            var now = Take();
            calm = Math.Abs(now.ResidentBytes - last.ResidentBytes) < Calm ? calm + 1 : 0;
            last = now;
        }

        return last;
    }

    private static MemoryFigures Take()
    {
        // Aggressive gives freed pages back to the system, so that what stays resident is what the connections need.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return new MemoryFigures(Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: false));
    }
}
