namespace Runnel.Bench;

/// <summary>How many messages each measurement takes: some tenths of a second's worth for the layer, and never more memory than a small machine has.</summary>
internal sealed record QueueSizes(int OneCaller, int ManyCallers, int Bulk, int Process, int Keys)
{
    public static QueueSizes Of(QueueStore store) => store.IsDurable
        ? new QueueSizes(OneCaller: 2_000, ManyCallers: 40_000, Bulk: 80_000, Process: 80_000, Keys: 40_000)
        : new QueueSizes(OneCaller: 200_000, ManyCallers: 400_000, Bulk: 400_000, Process: 400_000, Keys: 200_000);
}
