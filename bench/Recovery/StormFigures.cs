namespace Runnel.Bench;

/// <summary>What clients cost the other node when they came back.</summary>
/// <param name="Returns">How long it took, from the kill on.</param>
/// <param name="Audit">What arrived.</param>
/// <param name="Reads">Pages of history that the survivor read.</param>
/// <param name="Pages">Pages that there were to be read, of all groups.</param>
/// <param name="SurvivorCpu">CPU time of the survivor from the kill until all had caught up, in seconds.</param>
/// <param name="ClientsCpu">That of the clients.</param>
/// <param name="ServerCpu">That of the layer's server.</param>
/// <param name="Before">What the survivor held at rest with those that it had, in bytes.</param>
/// <param name="Peak">The most that it held from the kill until all had caught up.</param>
/// <param name="Rest">What it held with all of them at rest.</param>
internal sealed record StormFigures(
    ReturnFigures Returns, RecoveryAudit Audit, long Reads, int Pages, double SurvivorCpu, double ClientsCpu, double ServerCpu, long Before, long Peak, long Rest);
