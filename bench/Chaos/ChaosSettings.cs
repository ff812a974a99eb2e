namespace Runnel.Bench;

internal sealed record ChaosSettings(string Layer, int Messages, int Kills, int ServerKills, int Handovers, int Workers, TimeSpan Stop, TimeSpan LongJob, int Seed);
