namespace Runnel.Cli.Load;

/// <summary>How long things took, in milliseconds.</summary>
/// <param name="Count">So many were measured.</param>
/// <param name="P50">Half of them took no longer.</param>
/// <param name="P90">90 % of them took no longer.</param>
/// <param name="P99">99 % of them took no longer.</param>
/// <param name="P999">99.9 % of them took no longer.</param>
/// <param name="Max">The longest.</param>
internal sealed record LatencyFigures(long Count, double P50, double P90, double P99, double P999, double Max)
{
    public static LatencyFigures None { get; } = new(0, 0, 0, 0, 0, 0);
}
