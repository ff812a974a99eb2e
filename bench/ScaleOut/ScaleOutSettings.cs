namespace Runnel.Bench;

internal sealed record ScaleOutSettings(string Layer, IReadOnlyList<string> Targets, int Connections, IReadOnlyList<int> Rates, int Rounds, int Seconds, int WarmUpSeconds);
