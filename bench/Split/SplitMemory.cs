namespace Runnel.Bench;

/// <summary>What one way of running the application held for each idle connection in one round.</summary>
/// <param name="Front">The process with the sockets.</param>
/// <param name="Worker">The worker; <see langword="null"/> if there is none.</param>
internal sealed record SplitMemory(IdleRound Front, IdleRound? Worker);
