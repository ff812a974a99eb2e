namespace Runnel.Bench;

/// <summary>How far a producer is.</summary>
/// <param name="LastNumber">The last message that it has begun to send.</param>
/// <param name="Failed">How often a message could not be sent; another one was sent instead.</param>
internal sealed record ProducerFigures(long LastNumber, long Failed);
