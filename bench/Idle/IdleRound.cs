namespace Runnel.Bench;

/// <summary>What one target held for each idle connection in one round.</summary>
internal sealed record IdleRound(double ResidentPerConnection, double HeapPerConnection)
{
    public static IdleRound Of(MemoryFigures before, MemoryFigures after, int connections) => new(
        (double)(after.ResidentBytes - before.ResidentBytes) / connections,
        (double)(after.HeapBytes - before.HeapBytes) / connections);
}
