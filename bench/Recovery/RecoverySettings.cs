namespace Runnel.Bench;

/// <param name="Layer">What lies between the nodes.</param>
/// <param name="Parts">Which parts are run.</param>
/// <param name="Faults">Which faults are made; all that the layer can have, if none is named.</param>
/// <param name="CheckedClients">Clients of the checker.</param>
/// <param name="Calm">How long all is well before and after a fault.</param>
/// <param name="Away">How long a fault lasts.</param>
/// <param name="StormClients">Clients of the storm, on both nodes.</param>
/// <param name="AllReturn">Whether all of them are on the node that is killed, and not half of them.</param>
/// <param name="Groups">Their groups.</param>
/// <param name="Missed">How many messages each group gets at once when the node is killed.</param>
/// <param name="Rounds">How often the recovery of a hundred messages is measured.</param>
/// <param name="CostSeconds">How long each of the two sends of a round is measured.</param>
internal sealed record RecoverySettings(
    string Layer, IReadOnlyList<string> Parts, IReadOnlyList<string> Faults, int CheckedClients, TimeSpan Calm, TimeSpan Away, int StormClients, bool AllReturn, int Groups, int Missed, int Rounds, int CostSeconds);
