namespace Runnel.Frames;

/// <summary>What a client is told of one group that its connection has joined.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Position">Where the client stands; <see langword="null"/> when the group keeps no history.</param>
/// <param name="Seal">What gives the position its worth at the client's next hello.</param>
internal sealed record JoinNotice(JoinOutcome Outcome, string? Position = null, string? Seal = null);
