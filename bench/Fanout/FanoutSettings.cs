namespace Runnel.Bench;

internal sealed record FanoutSettings(IReadOnlyList<string> Targets, int Connections, int Rounds, int Seconds, int WarmUpSeconds);
