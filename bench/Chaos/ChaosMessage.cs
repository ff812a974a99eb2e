namespace Runnel.Bench;

/// <summary>A message of the ledger.</summary>
/// <param name="Number">What it is known by, over all producers.</param>
/// <param name="Key">Its key; <see langword="null"/> for none.</param>
/// <param name="Sequence">Which of its key's messages it is.</param>
/// <param name="Due">When it is due, in UTC ticks; 0 for at once.</param>
/// <param name="Fails">Whether its first attempt fails.</param>
[MessageType("ledger")]
internal sealed record ChaosMessage(long Number, string? Key, long Sequence, long Due, bool Fails);
