namespace Runnel.Bench;

/// <summary>What the generator has received since it was last told to begin.</summary>
internal sealed record LoadFigures(long Deliveries, double P50Milliseconds, double P99Milliseconds, int ConnectionsLost);
