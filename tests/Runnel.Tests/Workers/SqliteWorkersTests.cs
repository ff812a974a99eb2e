using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Tests.Sqlite;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

public sealed class SqliteWorkersTests : WorkersSpecification
{
    private readonly Dictionary<IWorkQueue, SqliteStore> _stores = [];
    private readonly SqliteFile _file;

    public SqliteWorkersTests() => _file = new SqliteFile(Clock);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }

    protected override (IBackplane Backplane, IWorkQueue Queue) OpenLayer()
    {
        var store = _file.Open();
        var queue = new SqliteWorkQueue(store);
        _stores[queue] = store;
        return (new SqliteBackplane(store), queue);
    }

    protected override async Task CrashAsync(IWorkQueue queue, IWorkReceiver lease)
    {
        var store = _stores[queue];
        await store.CrashAsync();
        await Wait.Until(() => _file.Count($"node WHERE name = '{store.Writer.Neighbours.Self.Name}'") == 0, "the others noticed the death");
    }

    [Fact]
    public async Task A_long_job_runs_once_however_many_lease_periods_it_takes()
    {
        var began = new Inbox<int>();
        var goOn = new TaskCompletionSource();
        void Map(IHost host) => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
        }, Track);
        var one = await StartAsync(Map);
        await StartAsync(Map); // would take it
        var sent = await one.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        for (var period = 0; period < 40; period++)
            Clock.Advance(new WorkerOptions().LeaseDuration);
        var marker = await one.Channels.SendAsync("payments", new Pay("marker"));
        await began.NextAsync();
        goOn.SetResult();
        await StateAsync(one, sent.Id, JobState.Succeeded);
        await StateAsync(one, marker.Id, JobState.Succeeded);

        Assert.Equal(0, began.Count);
        await NothingHeldAsync(one);
    }
}
