using System.Globalization;

namespace Runnel.Bench;

/// <summary>Files beside the path that was named, since what is measured is that path's disk.</summary>
internal sealed class SqliteQueueStore : QueueStore
{
    private readonly DirectoryInfo _folder;
    private int _count;

    public SqliteQueueStore(string layer)
    {
        var path = Path.GetFullPath(layer[(layer.IndexOf(':', StringComparison.Ordinal) + 1)..]);
        _folder = Directory.CreateDirectory($"{path}.bench-{Environment.ProcessId}");
        var (p50, p99) = Disk.MeasureFsync(Path.Combine(_folder.FullName, "fsync"));
        Durability = string.Create(CultureInfo.InvariantCulture, $"WAL, synchronous = FULL; 4 KiB are confirmed by the disk in {p50:F2} ms (p50), {p99:F2} ms (p99)");
    }

    public override string Scheme => "sqlite";

    public override string Durability { get; }

    // The bare loop has no group commit: to many callers its answer is one transaction after the other.
    public override QueueSizes Sizes { get; } = new(OneCaller: 2_000, ManyCallers: 40_000, Bulk: 80_000, Process: 80_000, Keys: 40_000, BareManyCallers: 2_000);

    /// <summary>A file that is not there yet.</summary>
    public string NewFile() => Path.Combine(_folder.FullName, $"{++_count}.db");

    public override Task<string> NewAddressAsync(CancellationToken cancellationToken) => Task.FromResult($"sqlite:{NewFile()}");

    public override Task<IBareStore> NewBareAsync(CancellationToken cancellationToken) => Task.FromResult<IBareStore>(new BareSqlite(NewFile()));

    public override ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
