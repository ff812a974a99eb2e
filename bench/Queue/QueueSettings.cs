namespace Runnel.Bench;

internal sealed record QueueSettings(string Layer, int Rounds, int Seconds);
