using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;

namespace Runnel.Tests.Sqlite;

/// <summary>All in one process: workers and senders on one store.</summary>
public sealed class SqliteWorkQueueTests : WorkQueueModelSpecification
{
    private readonly ManualClock _clock = new();
    private readonly SqliteFile _file;
    private readonly SqliteStore _store;

    public SqliteWorkQueueTests()
    {
        _file = new SqliteFile(_clock.TimeProvider);
        _store = _file.Open();
    }

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<OpenedQueue> OpenAsync()
    {
        var queue = new SqliteWorkQueue(_store);
        return new(new OpenedQueue(queue, queue));
    }

    protected override Task CrashAsync(IWorkReceiver lease) => _store.RunAsync(transaction =>
    {
        var state = ((SqliteWorkReceiver)lease).State;
        transaction.Messages.HandBackDead(state.Id);
        _store.Writer.Leases.Lose(state);
        return true;
    });

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
