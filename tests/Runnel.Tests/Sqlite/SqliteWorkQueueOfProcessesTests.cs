using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;

namespace Runnel.Tests.Sqlite;

/// <summary>Every worker in a process of its own, which is what dies: a store each on the one file.</summary>
/// <remarks>
/// Only the promises that processes can break between them: each has its own lines of those who wait, hears of the others by a bell, and notices their
/// deaths. All else happens in one transaction on the file, whichever process it is, and runs in <see cref="SqliteWorkQueueTests"/>.
/// </remarks>
public sealed class SqliteWorkQueueOfProcessesTests : WorkQueueProcessesSpecification
{
    private readonly ManualClock _clock = new();
    private readonly SqliteFile _file;
    private readonly Dictionary<IWorkReceiver, SqliteStore> _workers = [];

    public SqliteWorkQueueOfProcessesTests() => _file = new SqliteFile(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<OpenedQueue> OpenAsync()
    {
        var queue = new SqliteWorkQueue(_file.Open());
        return new(new OpenedQueue(new QueueOfProcesses(queue, OpenReceiverAsync), queue));
    }

    protected override async Task CrashAsync(IWorkReceiver lease)
    {
        var store = _workers[lease];
        await store.CrashAsync();
        await Wait.Until(() => _file.Count($"node WHERE name = '{store.Writer.Neighbours.Self.Name}'") == 0, "the others noticed the death");
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }

    private async ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken)
    {
        var store = _file.Open();
        var lease = await new SqliteWorkQueue(store).OpenReceiverAsync(options, cancellationToken);
        _workers[lease] = store;
        return lease;
    }
}
