namespace Runnel.Bench;

/// <summary>How many messages each measurement takes: some tenths of a second's worth for the layer, and never more memory than a small machine has.</summary>
internal sealed record QueueSizes(int OneCaller, int ManyCallers, int Bulk, int Process, int Keys, int BareManyCallers);
