namespace Runnel.Bench;

/// <summary>A server that was killed is there again.</summary>
/// <param name="At">Since when (the machine's monotonic clock).</param>
/// <param name="LastNumber">The last message that the producer had begun to send by then.</param>
internal sealed record ServerReturn(long At, long LastNumber);
