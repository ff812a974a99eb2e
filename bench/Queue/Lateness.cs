namespace Runnel.Bench;

/// <summary>How late messages came, in milliseconds, and how many came early.</summary>
internal sealed record Lateness(double P50, double P99, double Max, int Early);
