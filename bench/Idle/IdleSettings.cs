namespace Runnel.Bench;

internal sealed record IdleSettings(IReadOnlyList<string> Targets, int Connections, int Rounds);
